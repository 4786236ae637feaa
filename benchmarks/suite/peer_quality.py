"""datatrove's extraction as a system of the scoring scripts beside the repository: `peer_quality:datatrove`."""

from datatrove.pipeline.extractors import Trafilatura

_EXTRACTOR = Trafilatura(favour_precision=True)


def datatrove(html: str | bytes) -> str:
    """Return the main text with the settings that the page path is measured with."""
    return _EXTRACTOR.extract(html if isinstance(html, str) else html.decode("utf-8", "replace")) or ""
