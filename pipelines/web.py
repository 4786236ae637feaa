"""The recipe web: any archives in, token shards out.

The whole road in one place, top to bottom; each stage is given the shard sets that earlier stages write. A variant
calls `web` and changes what it needs, as sample.py does.
"""

from pathlib import Path
from typing import Literal

from corpus.dedup.minhash import MinHash
from corpus.dedup.pairs import Pairing
from corpus.extract.extractors import Gates
from corpus.inputs import resolve
from corpus.language import LanguageIdentifier
from corpus.pipeline import Pipeline
from corpus.quality.rulefile import load_rules
from corpus.remote import RemoteSettings
from corpus.settings import fingerprint
from corpus.stages.annotate import Annotate
from corpus.stages.deduplicate import Candidates, Clusters, Signatures, Verify
from corpus.stages.ingest import Ingest, IngestSettings
from corpus.stages.quota import ApplyQuota, Limits, Places
from corpus.stages.select import Select
from corpus.stages.tokenize import Manifest, Shards, Tokenize
from corpus.storage import ShardSet
from corpus.tokens.tokenizer import TokenizerSettings
from sitegraph.cc.ranksfile import ImportedRanks
from sitegraph.layout import GraphSets
from sitegraph.ranks.pagerank import PageRank
from sitegraph.ranks.ranking import Ranking
from sitegraph.stages import BuildGraph, RankSites, SiteQuality

HERE = Path(__file__).resolve().parent
SAMPLE_TOKENIZER = HERE.parent / "sample_data" / "tokenizer.json"

Extractor = Literal["trafilatura", "resiliparse", "adaptive"]
Cleaning = Literal["none", "c4_lines", "fineweb_lines"]


def web(
    root: Path,
    inputs: tuple[str, ...] | None = (),
    *,
    prefix: str | None = None,
    s3_anonymous: bool = False,
    extractor: Extractor = "trafilatura",
    languages: tuple[str, ...] = (),
    thresholds: str = str(HERE / "web.toml"),
    bands: int = 14,
    rows: int = 8,
    similarity: float = 0.8,
    damping: float = 0.85,
    seeds: Path | None = None,
    bad: Path | None = None,
    quality: str | None = None,
    labels: Path | None = None,
    ranks: Path | None = None,
    ranks_nodes: int | None = None,
    language_model: str | None = None,
    clean: Cleaning = "none",
    tokenizer: str = str(SAMPLE_TOKENIZER),
    bos: str | None = None,
    eos: str | None = "<|endoftext|>",
    shard_tokens: int = 1 << 27,
) -> Pipeline:
    """Any archives in, token shards out.

    `inputs` are paths, globs, folders, URLs, or listings of them (--input); None builds it only to be looked at.

    prefix           set before the entries of a listing, such as https://data.commoncrawl.org/
    s3_anonymous     read s3:// inputs without credentials, for public buckets
    extractor        trafilatura (precise), resiliparse (fast), adaptive (precise only for pages that pass the gates)
    languages        with adaptive: languages to extract precisely; none means all
    thresholds       a preset (gopher, c4, fineweb, dclm) or a TOML file; a change re-runs select and what follows
    bands, rows      of MinHash (corpus recall shows what they find)
    similarity       exact Jaccard similarity of shingles that makes two documents duplicates
    damping          of PageRank: the probability of following a link
    seeds            a file of trusted sites, `name[, group[, language]]` a line: gives trust and spam mass
    bad              a file of sites known to be bad, likewise: gives anti-trust
    quality          a signal, such as punctuated_lines: ranks start again where its mean over a site's pages is high
    labels           a file of labelled sites, `name, good|bad` a line: gives the chance that a site is good
    ranks            a Common Crawl ranks file, whose ranks then stand for those of the crawl
    ranks_nodes      nodes of the whole table, when that file is a part of it
    language_model   path of another fastText model for language identification
    clean            line cleaning of the text that is tokenized
    tokenizer        path of a tokenizer.json or hub name; the default is the sample's, good for a first look only
    bos              token put before each document
    eos              token put after each document
    shard_tokens     tokens that a shard should hold
    """
    remote = RemoteSettings(s3_anonymous=s3_anonymous)
    files = tuple(resolve(inputs, prefix, remote)) if inputs is not None else ()
    documents, links, ledger = (ShardSet(root, name) for name in ("documents", "links", "ledger"))
    signals, authority, site_quality = (ShardSet(root, name) for name in ("signals", "authority", "site_quality"))
    judged, places, limits, verdicts = (ShardSet(root, name) for name in ("judged", "places", "limits", "verdicts"))
    signatures, members, candidates = (ShardSet(root, name) for name in ("signatures", "members", "candidates"))
    edges, clusters = (ShardSet(root, name) for name in ("edges", "clusters"))
    tokens, shards, shard_index = (ShardSet(root, name) for name in ("tokens", "shards", "shard_index"))
    graph = GraphSets(root)
    minhash = MinHash(bands=bands, rows=rows)
    identifier = LanguageIdentifier(model=language_model)
    ranking = Ranking(
        pagerank=PageRank(damping=damping),
        seeds=seeds,
        bad=bad,
        labels=labels,
        imports=(ImportedRanks(path=ranks, nodes=ranks_nodes),) if ranks else (),
    )
    measuring: tuple[SiteQuality, ...] = ()
    if quality:
        measuring = (SiteQuality(documents=documents, signals=signals, output=site_quality, signal=quality),)
    encoding = TokenizerSettings(source=tokenizer, bos=bos, eos=eos)
    rules = load_rules(thresholds)
    return Pipeline(
        root=root,
        name="web",
        stages=(
            Ingest(
                archives=files,
                documents=documents,
                links=links,
                ledger=ledger,
                options=IngestSettings(extractor=extractor, gates=Gates(languages=languages or None), remote=remote),
            ),
            BuildGraph(links=links, documents=documents, graph=graph),
            Annotate(documents=documents, signals=signals, identifier=identifier),
            *measuring,
            RankSites(graph=graph, authority=authority, quality=site_quality if quality else None, ranking=ranking),
            Signatures(documents=documents, output=signatures, members=members, minhash=minhash),
            Candidates(signatures=signatures, output=candidates, bands=bands, pairing=Pairing(threshold=similarity)),
            Verify(documents=documents, candidates=candidates, output=edges, threshold=similarity),
            Clusters(
                documents=documents,
                members=members,
                candidates=candidates,
                edges=edges,
                output=clusters,
                authority=authority,
                threshold=similarity,
            ),
            Select(
                documents=documents,
                signals=signals,
                clusters=clusters,
                authority=authority,
                judged=judged,
                rules=rules,
            ),
            Places(documents=documents, signals=signals, judged=judged, output=places, quota=rules.quota),
            Limits(places=places, output=limits, quota=rules.quota),
            ApplyQuota(
                documents=documents,
                signals=signals,
                judged=judged,
                limits=limits,
                verdicts=verdicts,
                quota=rules.quota,
            ),
            Tokenize(
                documents=documents,
                signals=signals,
                verdicts=verdicts,
                output=tokens,
                tokenizer=encoding,
                processor=None if clean == "none" else clean,
            ),
            Shards(tokens=tokens, output=shards, index=shard_index, shard_tokens=shard_tokens),
            Manifest(
                shard_files=shards,
                index=shard_index,
                tokenizer=encoding,
                pipeline=fingerprint(extractor, rules, minhash, similarity, ranking, clean),
            ),
        ),
    )
