"""The recipe sample: the road on the small crawl that comes with the project, in under a minute."""

from pathlib import Path
from typing import Any

from corpus.errors import MissingError
from corpus.pipeline import Pipeline
from pipelines.web import HERE, SAMPLE_TOKENIZER, Cleaning, Extractor, web

CRAWL = HERE.parent / "sample_data" / "crawl"


def sample(
    root: Path,
    *,
    extractor: Extractor = "trafilatura",
    thresholds: str = str(HERE / "sample.toml"),
    bands: int = 14,
    rows: int = 8,
    similarity: float = 0.8,
    damping: float = 0.85,
    clean: Cleaning = "none",
    tokenizer: str = str(SAMPLE_TOKENIZER),
) -> Pipeline:
    """The sample crawl of the project, from archives to token shards.

    The parameters are those of the recipe web; shards are small, so that there are some.

    extractor        trafilatura (precise), resiliparse (fast), adaptive (precise only for pages that pass the gates)
    thresholds       a preset (gopher, c4, fineweb, dclm) or a TOML file; a change re-runs select and what follows
    bands, rows      of MinHash (corpus recall shows what they find)
    similarity       exact Jaccard similarity of shingles that makes two documents duplicates
    damping          of PageRank: the probability of following a link
    clean            line cleaning of the text that is tokenized
    tokenizer        path of a tokenizer.json or hub name; it must have <|endoftext|>
    """
    if not CRAWL.is_dir():
        raise MissingError(f"{CRAWL}: the sample crawl is not there; run from a checkout of the project")
    settings: dict[str, Any] = {"bands": bands, "rows": rows, "similarity": similarity, "damping": damping}
    return web(
        root,
        (str(CRAWL),),
        extractor=extractor,
        thresholds=thresholds,
        clean=clean,
        tokenizer=tokenizer,
        shard_tokens=1 << 16,
        **settings,
    )
