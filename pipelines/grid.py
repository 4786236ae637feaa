"""The recipe grid: the recipe web, with shards that are an authority x quality grid, to be mixed when they are read.

Tokenize once, train on many mixtures: authority is an axis of the components and no cut, since as a cut it selects
nothing (corpus/reader/mixtures.py has the studies, and the six variants that they compare).

    corpus run grid --input crawl/ --root out
    corpus mixture out/shards one_to_one
"""

from pathlib import Path
from typing import Any

from corpus.pipeline import Pipeline
from pipelines.web import HERE, SAMPLE_TOKENIZER, Cleaning, Extractor, web


def grid(
    root: Path,
    inputs: tuple[str, ...] | None = (),
    *,
    prefix: str | None = None,
    s3_anonymous: bool = False,
    extractor: Extractor = "trafilatura",
    thresholds: str = str(HERE / "grid.toml"),
    damping: float = 0.85,
    seeds: Path | None = None,
    bad: Path | None = None,
    quality: str | None = None,
    ranks: Path | None = None,
    ranks_nodes: int | None = None,
    clean: Cleaning = "none",
    tokenizer: str = str(SAMPLE_TOKENIZER),
    eos: str | None = "<|endoftext|>",
    shard_tokens: int = 1 << 27,
) -> Pipeline:
    """Any archives in, token shards by authority and quality out.

    `inputs` are paths, globs, folders, URLs, or listings of them (--input); None builds it only to be looked at.

    prefix           set before the entries of a listing, such as https://data.commoncrawl.org/
    s3_anonymous     read s3:// inputs without credentials, for public buckets
    extractor        trafilatura (precise), resiliparse (fast), adaptive (precise only for pages that pass the gates)
    thresholds       a TOML file whose components are {authority}-{quality}; a change re-runs select and what follows
    damping          of PageRank: the probability of following a link
    seeds            a file of trusted sites, `name[, group[, language]]` a line: gives trust and spam mass
    bad              a file of sites known to be bad, likewise: gives anti-trust
    quality          a signal, such as punctuated_lines: ranks start again where its mean over a site's pages is high
    ranks            a Common Crawl ranks file, whose ranks then stand for those of the crawl
    ranks_nodes      nodes of the whole table, when that file is a part of it
    clean            line cleaning of the text that is tokenized
    tokenizer        path of a tokenizer.json or hub name; the default is the sample's, good for a first look only
    eos              token put after each document
    shard_tokens     tokens that a shard should hold
    """
    ranking = {"damping": damping, "seeds": seeds, "bad": bad, "quality": quality}
    settings: dict[str, Any] = ranking | {"ranks": ranks, "ranks_nodes": ranks_nodes}
    return web(
        root,
        inputs,
        prefix=prefix,
        s3_anonymous=s3_anonymous,
        extractor=extractor,
        thresholds=thresholds,
        clean=clean,
        tokenizer=tokenizer,
        eos=eos,
        shard_tokens=shard_tokens,
        **settings,
    )
