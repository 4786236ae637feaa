"""The Arrow schema of every stored shard set, each column named and explained once, here.

Row alignment: `documents`, `signals` and `verdicts` part files of one number hold the same documents in the same
order, so they are joined by position and nothing is ever looked up by id on the main road.

    documents  ingest     one row per document                            part per WARC file
    links      ingest     one row per (source host, target host, flags)   part per WARC file
    ledger     ingest     one row per record or fault                     part per WARC file
    signals    annotate   one row per document (columns: quality/signals.py, language.py)   aligned with documents
    signatures deduplicate  one row per document and partition            row group per partition
    members    deduplicate  one row per document                          aligned with documents
    candidates deduplicate  one row per candidate pair                    part per partition
    edges      deduplicate  one row per verified pair                     part per documents part (of the lower side)
    clusters   deduplicate  one row per clustered document                row group per documents part
    authority  sitegraph  one row per host and per registered domain      one part
    judged     select     one row per document                            aligned with documents
    places     places     one row per kept document                       row group per partition of sites
    limits     limits     one row per site over its quota                 part per partition of sites
    verdicts   quota      one row per document                            aligned with documents
    tokens     tokenize   one row per kept document, by component and key part per documents part
    shards     shards     the trainer's token shards (tokens/layout.py)   ROOT/shards
"""

import pyarrow as pa

ID = pa.binary(16)
"""A document id: 16 bytes, see document.document_id."""


def column(name: str, kind: pa.DataType, meaning: str, nullable: bool = False) -> pa.Field:
    """Return a field that carries its meaning in the file's own metadata."""
    return pa.field(name, kind, nullable, {"meaning": meaning})


DOCUMENTS = pa.schema(
    [
        column("id", ID, "document id: BLAKE2b-128 of target URI, WARC-Date and payload digest"),
        column("url", pa.string(), "target URI, WHATWG-normalised"),
        column("host", pa.string(), "host of the URL, lower case, punycode"),
        column(
            "registered_domain", pa.string(), "public suffix or hosting platform plus one label, see url.Suffixes", True
        ),
        column("title", pa.string(), "title element of the page", True),
        column("text", pa.string(), "main text, control characters cleaned"),
        column("declared_language", pa.string(), "html lang, else Content-Language, as written", True),
        column("charset", pa.string(), "charset the payload was decoded with (WHATWG name)", True),
        column(
            "charset_source", pa.string(), "bom, http, meta, utf-8, detector or warc: what decided the charset", True
        ),
        column("http_robots", pa.string(), "X-Robots-Tag header", True),
        column("meta_robots", pa.string(), "robots meta elements, joined by comma", True),
        column("canonical_url", pa.string(), "link rel=canonical, resolved", True),
        column("licences", pa.list_(pa.field("item", pa.string(), False)), "licence links of the page"),
        column("date", pa.string(), "WARC-Date of the record, as written", True),
        column("payload_digest", pa.string(), "sha1: and base32 of the payload as stored"),
        column("extractor", pa.string(), "extractor that gave the text"),
        column("warc_file", pa.string(), "file or URL the record was read from"),
        column("warc_offset", pa.int64(), "byte offset of the record (gzip member) in that file"),
        column("warc_length", pa.int64(), "bytes the record takes in that file"),
    ]
)

LINKS = pa.schema(
    [
        column("source_host", pa.string(), "host of the linking pages, lower case, punycode, www kept"),
        column("target_host", pa.string(), "host linked to, lower case, punycode, www kept"),
        column(
            "flags",
            pa.uint8(),
            "bit set, see links.Flag: nofollow 1, ugc 2, sponsored 4, same_owner 8, technical 16",
        ),
        column("pages", pa.uint32(), "distinct source pages with such a link"),
        column(
            "source_pages",
            pa.uint32(),
            "distinct pages of the source host that were parsed for this file, with links or without; 0 is unknown",
        ),
    ]
)

LEDGER = pa.schema(
    [
        column("file", pa.dictionary(pa.int32(), pa.string()), "file or URL it was read from (one per part)"),
        column("offset", pa.int64(), "byte offset of the record or fault in the file"),
        column("length", pa.int64(), "bytes it takes in the file"),
        column("record_type", pa.string(), "WARC-Type, or 'fault'"),
        column("url", pa.string(), "target URI as written", True),
        column("bucket", pa.string(), "'document', or why the record did not become one"),
        column("detail", pa.string(), "for a person: what was seen", True),
        column("document", ID, "id of the document it became", True),
        column("row", pa.int32(), "row of that document in the documents part of the same number", True),
    ]
)

AUTHORITY = pa.schema(
    [
        column("level", pa.string(), "'host' or 'domain' (registered domain)"),
        column("name", pa.string(), "host (www-normalised, punycode) or registered domain"),
        column("reversed", pa.string(), "the name with its labels reversed, com.example.blog: rows are sorted by it"),
        column("pagerank", pa.float64(), "PageRank; sums to 1 over a level of one graph", True),
        column("percentile", pa.float64(), "share of the level's nodes with a lower or equal PageRank, 0 to 1", True),
        column("position", pa.int64(), "place by PageRank within the level, 1 is first", True),
        column("in_domains", pa.int64(), "distinct registered domains that link to it", True),
        column("harmonic", pa.float64(), "harmonic centrality", True),
        column("source", pa.string(), "'crawl' for ranks of this crawl's links, else the imported file's name"),
        column("trust", pa.float64(), "PageRank that starts again at trusted sites only", True),
        column("trust_percentile", pa.float64(), "share of the level's nodes with a lower or equal trust", True),
        column("anti_trust", pa.float64(), "PageRank against the links' direction, from known spam", True),
        column("inverse", pa.float64(), "PageRank against the links' direction", True),
        column("spam_mass", pa.float64(), "share of PageRank that trusted sites do not explain; at most 1", True),
        column("spam_mass_percentile", pa.float64(), "share of the level's nodes with as much of it or more", True),
        column("robust", pa.float64(), "PageRank with each supporter's contribution capped", True),
        column("robust_percentile", pa.float64(), "share of the level's nodes with a lower or equal robust rank", True),
        column("truncated", pa.float64(), "PageRank that came over 4 links or more, or as many as were set", True),
        column("truncated_percentile", pa.float64(), "share of the level's nodes with a lower or equal one", True),
        column("quality", pa.float64(), "PageRank that starts again at sites by the quality of their text", True),
        column("quality_percentile", pa.float64(), "share of the level's nodes with a lower or equal quality", True),
        column(
            "supporters",
            pa.list_(pa.field("item", pa.int64(), False)),
            "distinct supporters within distance 1, 2, 3, 4",
            True,
        ),
        column("good", pa.float64(), "chance that it is good, as labelled sites teach", True),
        column("platform", pa.bool_(), "public suffix or hosting platform: it says nothing of the sites below it"),
    ]
)
"""Sorted by (level, reversed), bytes ascending; the columns from trust to good are null where not computed."""

SIGNATURES = pa.schema(
    [
        column("partition", pa.int32(), "s for exact text, (band + 1) * splits + s for a band; s = key modulo splits"),
        column("key", pa.uint64(), "what equal texts (first half of the text digest) or texts of one band share"),
        column("check", pa.uint64(), "second half of the text digest, BLAKE2b-128 of the normalised text"),
        column("row", pa.int32(), "row in the documents part of the same number"),
        column("shingles", pa.int32(), "distinct shingles of the text"),
    ]
)

MEMBERS = pa.schema(
    [
        column("id", ID, "document id"),
        column("host", pa.string(), "host of the URL"),
        column("date", pa.string(), "WARC-Date of the record, as written", True),
        column("characters", pa.int32(), "length of the text in code points"),
        column("shingles", pa.int32(), "distinct shingles of the text; 0 when it has no word"),
    ]
)

CANDIDATES = pa.schema(
    [
        column("part_a", pa.int32(), "documents part of the first document; (part, row) of a is below that of b"),
        column("row_a", pa.int32(), "its row"),
        column("part_b", pa.int32(), "documents part of the second document"),
        column("row_b", pa.int32(), "its row"),
    ]
)

EDGES = pa.schema([*CANDIDATES, column("similarity", pa.float64(), "exact Jaccard similarity of the shingle sets")])

CLUSTERS = pa.schema(
    [
        column("part", pa.int32(), "number of the documents part"),
        column("row", pa.int32(), "row in that part"),
        column("cluster", ID, "cluster id: the document id of its representative"),
        column("size", pa.int32(), "documents in the cluster"),
        column("representative", pa.bool_(), "this document stands for the cluster"),
        column("similarity", pa.float32(), "exact Jaccard similarity to the representative; 1 for equal text"),
        column("exact", pa.bool_(), "normalised text equal to the representative's"),
    ]
)

PLACES = pa.schema(
    [
        column("partition", pa.int32(), "hash of the site modulo the number of partitions"),
        column("site", pa.string(), "host (www-normalised) or registered domain whose quota it is"),
        column("value", pa.float64(), "what orders a site's documents, lowest first; 0 where their hash alone does"),
        column("hash", pa.uint64(), "keyed hash of the document id: second in that order"),
        column("place", pa.int64(), "documents part * 2^32 + row: last in that order"),
    ]
)
"""At most one more than the quota of a site from one part: more of them can neither stay nor decide."""

LIMITS = pa.schema([field for field in PLACES if field.name != "partition"])
"""One row per site that has more documents than its quota: the last one that stays."""

VERDICTS = pa.schema(
    [
        column("kept", pa.bool_(), "the document goes on to the tokenizer"),
        column("component", pa.string(), "mixture component of a kept document", True),
        column("reason", pa.string(), "first rule that failed, in threshold order, or 'duplicate'", True),
        column("failed", pa.list_(pa.field("item", pa.string(), False)), "every rule that failed"),
        column("cluster_size", pa.int32(), "documents in its duplicate cluster; 1 when it has none"),
        column("duplicate_of", ID, "representative that stands for it, when it is not one itself", True),
        column("authority_host", pa.float64(), "authority percentile of its host, else of its site", True),
        column("authority_domain", pa.float64(), "authority percentile of its site (registered domain)", True),
        column("in_domains", pa.int64(), "registered domains that link to its host, else to its site", True),
        column("trust", pa.float64(), "trust percentile of its host, else of its site", True),
        column("robust", pa.float64(), "percentile by robust PageRank of its host, else of its site", True),
        column("truncated", pa.float64(), "percentile by truncated PageRank of its host, else of its site", True),
        column("quality_rank", pa.float64(), "percentile by propagated quality of its host, else of its site", True),
        column("spam_mass", pa.float64(), "spam mass of its host, else of its site", True),
        column("good_site", pa.float64(), "chance that its host is good, else its site", True),
    ]
)
