"""Turn the light markup of the written pages into the HTML of an article body.

Paragraphs are divided by blank lines; `## ` starts a subheading, `- ` a list item, four spaces a line of code,
and `backticks` mark inline code. Body links become anchors on the last words of a paragraph, so that the text stays
as written.
"""

import re
from html import escape
from urllib.parse import urlsplit

from maker.sites import is_unspaced


def blocks(text: str) -> list[str]:
    """The markup's blocks in order."""
    return [block.strip("\n") for block in re.split(r"\n\s*\n", text.strip("\n")) if block.strip()]


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _anchor_span(text: str, language: str) -> tuple[int, int] | None:
    """Where the last few words (or characters) of a paragraph lie, without the closing punctuation."""
    pattern = r"(\w{2,7})\W*$" if is_unspaced(language) else r"((?:[\w'’-]+\s+){0,2}[\w'’-]+)\W*$"
    if "`" in text or (found := re.search(pattern, text)) is None:
        return None
    return found.span(1)


def _paragraph(text: str, link: str, language: str, host: str) -> str | None:
    span = _anchor_span(text, language)
    if span is None:
        return None
    parts = urlsplit(link)
    href = parts.path if parts.netloc == host and parts.path else link
    start, end = span
    anchor = f'<a href="{escape(href)}">{_inline(text[start:end])}</a>'
    return f"<p>{_inline(text[:start])}{anchor}{_inline(text[end:])}</p>"


def _joined(block: str, language: str) -> str:
    """One line from a block whose lines were wrapped in the source."""
    return ("" if is_unspaced(language) else " ").join(line.strip() for line in block.split("\n"))


def _mixed(block: str, language: str) -> list[tuple[str, list[str]]]:
    """Split a block into runs of headings, list items and prose."""
    runs: list[tuple[str, list[str]]] = []
    for line in block.split("\n"):
        kind = "h2" if line.startswith("## ") else "li" if line.startswith("- ") else "p"
        if kind == "p" and runs and runs[-1][0] == "li" and line.startswith("  "):
            runs[-1][1][-1] += ("" if is_unspaced(language) else " ") + line.strip()
        elif runs and runs[-1][0] == kind:
            runs[-1][1].append(line)
        else:
            runs.append((kind, [line]))
    return runs


def article_html(text: str, links: tuple[str, ...], language: str, host: str) -> str:
    """The HTML of an article body with its in-text links; links that find no place go into a closing list."""
    waiting = list(links)
    parts: list[str] = []
    for block in blocks(text):
        if all(line.startswith("    ") for line in block.split("\n")):
            code = "\n".join(line[4:] for line in block.split("\n"))
            parts.append(f"<pre><code>{escape(code, quote=False)}</code></pre>")
            continue
        for kind, lines in _mixed(block, language):
            if kind == "h2":
                parts += [f"<h2>{_inline(line[3:])}</h2>" for line in lines]
            elif kind == "li":
                parts.append("<ul>\n" + "\n".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "\n</ul>")
            else:
                prose = _joined("\n".join(lines), language)
                linked = _paragraph(prose, waiting[0], language, host) if waiting and parts else None
                if linked is not None:
                    waiting.pop(0)
                parts.append(linked or f"<p>{_inline(prose)}</p>")
    if waiting:
        items = "".join(f'<li><a href="{escape(link)}">{escape(link)}</a></li>' for link in waiting)
        parts.append(f'<ul class="see-also">{items}</ul>')
    return "\n".join(parts)


def plain_text(text: str) -> str:
    """The body as a reader sees it: markup signs taken off, one block per line group."""
    lines = [re.sub(r"^(## |- |    )", "", line) for line in text.strip("\n").split("\n")]
    return "\n".join(lines).replace("`", "") + "\n"
