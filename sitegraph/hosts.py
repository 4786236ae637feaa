"""Host names as nodes of the graph: one spelling per host, and the reversed form that sorts a domain's hosts together.

Rules (those of the Common Crawl web graphs, cc-pyspark `wat_extract_links.py`, applied by us on ingest because newer
releases no longer apply them all): lower case, trailing dot and port gone, IDN in punycode (UTS 46), IP addresses and
single labels out, names over 253 bytes or labels over 63 out, a leading `www.` stripped where two labels remain.

The rules live in corpus.url.graph_host. Nearly every host of a crawl is in its final form already, which one regular
expression can tell in a tenth of the time that parsing it as a URL takes.
"""

from typing import Literal

from corpus.url import PLATFORMS, Suffixes, graph_host, is_final, is_ip, www_normalised


def node_name(host: str) -> str | None:
    """Return the name under which a host is a node of the graph, or None when it is none."""
    return www_normalised(host) if is_final(host) else graph_host(host)


def unusable_because(host: str) -> Literal["ip", "name"]:
    """Say why a host for which node_name gives None is no node: an IP address, or no name of two sound labels."""
    return "ip" if is_ip(host) else "name"


def domain_of(name: str, suffixes: Suffixes = PLATFORMS) -> str:
    """Return the registered domain of a node name; a public suffix that is a host itself stands for itself."""
    return suffixes.registered_domain(name) or name


def reverse(name: str) -> str:
    """Return `com.example.blog` for `blog.example.com`, and the other way round."""
    return ".".join(reversed(name.split(".")))
