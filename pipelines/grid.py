"""The recipe grid: the recipe web, with shards that are an authority x quality grid, to be mixed when they are read.

Tokenize once, train on many mixtures: authority is an axis of the components and no cut, since as a cut it selects
nothing (corpus/reader/mixtures.py has the studies, and the six variants that they compare).

    corpus run grid --input crawl/ --root out
    corpus mixture out/shards one_to_one
"""

from pathlib import Path
from typing import Any

from corpus.pipeline import Pipeline
from corpus.recipes import variant
from pipelines.web import HERE, web

SOURCE = ("prefix", "s3_anonymous", "extractor")
RANKING = ("damping", "seeds", "bad", "quality", "labels", "ranks", "ranks_nodes")
TOKENS = ("clean", "tokenizer", "eos", "shard_tokens")


@variant(web, *SOURCE, "thresholds", *RANKING, *TOKENS, thresholds=str(HERE / "grid.toml"))
def grid(root: Path, inputs: tuple[str, ...] | None = (), **settings: Any) -> Pipeline:
    """Any archives in, token shards by authority and quality out.

    `inputs` are paths, globs, folders, URLs, or listings of them (--input); None builds it only to be looked at.

    thresholds       a TOML file whose components are {authority}-{quality}; a change re-runs select and what follows
    """
    return web(root, inputs, **settings)
