"""Host names as nodes of the graph: one spelling per host, and the reversed form that sorts a domain's hosts together.

Rules (those of the Common Crawl web graphs, cc-pyspark `wat_extract_links.py`, applied by us on ingest because newer
releases no longer apply them all): lower case, trailing dot and port gone, IDN in punycode (UTS 46), IP addresses and
single labels out, names over 253 bytes or labels over 63 out, a leading `www.` stripped where two labels remain.
"""

from corpus.url import is_ip, registered_domain, www_normalised

MAX_NAME, MAX_LABEL = 253, 63


def node_name(host: str) -> str | None:
    """Return the name under which a WHATWG host is a node of the graph, or None when it is none."""
    host = host.rstrip(".")
    labels = host.split(".")
    if len(labels) < 2 or len(host) > MAX_NAME or is_ip(host):
        return None
    if any(not label or len(label) > MAX_LABEL for label in labels):
        return None
    return www_normalised(host)


def domain_of(name: str) -> str:
    """Return the registered domain of a node name; a public suffix that is a host itself stands for itself."""
    return registered_domain(name) or name


def reverse(name: str) -> str:
    """Return `com.example.blog` for `blog.example.com`, and the other way round."""
    return ".".join(reversed(name.split(".")))
