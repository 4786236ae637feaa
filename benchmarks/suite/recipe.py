"""A recipe for measuring workers: the part of the road that is spread over them."""

from pathlib import Path

from benchmarks.suite.ours import after_ingest, sets
from corpus.inputs import resolve
from corpus.pipeline import Pipeline
from corpus.stages.ingest import Ingest, IngestSettings


def pages(root: Path, inputs: tuple[str, ...] = (), *, extractor: str = "trafilatura") -> Pipeline:
    """Archives to documents, signals and signatures.

    extractor  trafilatura, resiliparse or adaptive
    """
    found = sets(root)
    ingest = Ingest(
        archives=tuple(resolve(list(inputs))),
        documents=found["documents"],
        links=found["links"],
        ledger=found["ledger"],
        options=IngestSettings(extractor=extractor),
    )
    return Pipeline(root=root, name="pages", stages=(ingest, *after_ingest(root)))
