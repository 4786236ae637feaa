"""The recipe sample: the road on the small crawl that comes with the project, in under a minute."""

from pathlib import Path
from typing import Any

from corpus.errors import MissingError
from corpus.pipeline import Pipeline
from corpus.recipes import variant
from pipelines.web import HERE, web

CRAWL = HERE.parent / "sample_data" / "crawl"


@variant(
    web,
    *("extractor", "thresholds", "bands", "rows", "similarity", "damping", "clean", "tokenizer"),
    thresholds=str(HERE / "sample.toml"),
)
def sample(root: Path, **settings: Any) -> Pipeline:
    """The sample crawl of the project, from archives to token shards.

    The parameters are those of the recipe web; shards are small, so that there are some.

    tokenizer        path of a tokenizer.json or hub name; it must have <|endoftext|>
    """
    if not CRAWL.is_dir():
        raise MissingError(f"{CRAWL}: the sample crawl is not there; run from a checkout of the project")
    return web(root, (str(CRAWL),), shard_tokens=1 << 16, **settings)
