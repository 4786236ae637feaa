"""`corpus shards`: look at finished token shards, check, compare, take documents out, write other formats."""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console

from corpus.errors import MissingError, ShardError
from corpus.report import tables
from corpus.report.tables import harmless, table
from corpus.tokens import cat as reading
from corpus.tokens.compare import compare
from corpus.tokens.contents import Contents
from corpus.tokens.export import FORMATS, export
from corpus.tokens.manifest import load_manifest
from corpus.tokens.removal import remove_in_place, remove_into
from corpus.tokens.takedown import lines_of, request_of
from corpus.tokens.verify import verify
from corpus.url import normalise

FolderArgument = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
DIFFERENCES = {"only_a": "only in A", "only_b": "only in B", "changed": "changed"}
AsJson = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


def out() -> Console:
    """Return the console for results (standard output; as wide as tables like it when that is no terminal)."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=120)


@click.group()
def shards() -> None:
    """Look at finished token shards, check and compare them, take documents out, write other formats."""


@shards.command(short_help="Show dataset id, tokenizer and components.")
@FolderArgument
@AsJson
def info(folder: Path, as_json: bool) -> None:
    """Show what a shard folder holds: dataset id, tokenizer, components.

    \b
    corpus shards info out/shards
    corpus shards info out/shards --json | jq -r .dataset
    """
    manifest = load_manifest(folder)
    if as_json:
        click.echo(json.dumps(manifest.root, indent=1, ensure_ascii=False))
        return
    tokenizer, boundary = manifest.root["tokenizer"], manifest.root["boundary"]
    rows = [(name, c["shards"], c["documents"], c["tokens"]) for name, c in sorted(manifest.components.items())]
    total = {
        name: sum(int(c[name]) for c in manifest.components.values()) for name in ("shards", "documents", "tokens")
    }
    rows.append(("all", total["shards"], total["documents"], total["tokens"]))
    console = out()
    console.print(f"dataset    {manifest.dataset}", soft_wrap=True)
    console.print(harmless(f"tokenizer  {tokenizer['name']}, {tokenizer['vocabulary']:,} ids"), soft_wrap=True)
    console.print(f"           SHA-256 {tokenizer['sha256']}", soft_wrap=True)
    console.print(harmless(f"ids        {manifest.root['dtype']}, {boundary_of(boundary)}"), soft_wrap=True)
    for parent in manifest.root.get("parents", []):
        gone = sum(counts["documents"] for counts in parent["removed"].values())
        text = f"parent     {parent['dataset']}, {gone:,} documents removed {parent['removed_at']}"
        console.print(harmless(text), soft_wrap=True)
    columns = ("component", "shards", "documents", "tokens")
    console.print(table("Components", columns, rows, columns[1:]))


def boundary_of(boundary: Mapping[str, Any]) -> str:
    """Return in words what stands before and after each document."""
    told = [
        f"{name} {boundary[f'{name}_token']} ({boundary[name]})"
        for name in ("bos", "eos")
        if boundary[name] is not None
    ]
    return ", ".join(told) or "no boundary ids"


@shards.command("verify", short_help="Check a shard folder against its manifest.")
@FolderArgument
def verify_shards(folder: Path) -> None:
    """Check every file, row group and total of a shard folder against its manifest; exit code 1 when one is wrong.

    \b
    corpus shards verify out/shards
    """
    problems = verify(folder)
    if problems:
        for problem in problems:
            click.echo(problem, err=True)
        raise ShardError(f"{folder}: {len(problems)} problems; do not train on these shards")
    click.echo(f"{folder}: every file, row group and total is as the manifest says")


@shards.command(short_help="Print documents, as text or as ids.")
@FolderArgument
@click.option("--component", metavar="NAME", help="Only documents of this component.")
@click.option("--doc", "docs", multiple=True, metavar="ID", help="The document with this id, in hex. Repeatable.")
@click.option("--url", "urls", multiple=True, help="Documents of this URL. Repeatable.")
@click.option(
    "--row",
    "rows",
    multiple=True,
    type=click.IntRange(0),
    metavar="N",
    help="Row N, from 0, of the component or of the folder. Repeatable.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N documents.  [default: all]")
@click.option("--ids", "as_ids", is_flag=True, help="Print token ids, boundary ids included, in place of text.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON per document.")
def cat(
    folder: Path,
    component: str | None,
    docs: tuple[str, ...],
    urls: tuple[str, ...],
    rows: tuple[int, ...],
    limit: int | None,
    as_ids: bool,
    as_json: bool,
) -> None:
    """Print documents of a shard folder with where they come from: their text, or their ids.

    Text is decoded by the shards' own tokenizer.json. Control characters are shown dead; --json has all as it is.

    \b
    corpus shards cat out/shards --limit 3
    corpus shards cat out/shards --url https://example.org/page
    corpus shards cat out/shards --component en-central-prose --row 17 --ids
    corpus shards cat out/shards --json | jq -r .url
    """
    contents = Contents(load_manifest(folder))
    wanted = reading.Wanted(
        component=component,
        doc_ids=frozenset(map(reading.doc_id_of, docs)),
        urls=frozenset(found.href if (found := normalise(url)) else url for url in urls),
        rows=frozenset(rows),
    )
    text_of = None if as_ids else reading.decoder(contents.manifest)
    seen = reading.Seen(wanted)
    for document in itertools.islice(reading.documents(contents, wanted), limit):
        seen.add(document)
        content = {"ids": document.ids.tolist()} if text_of is None else {"text": text_of(document.ids)}
        click.echo(
            json.dumps(document.readable() | content, ensure_ascii=False) if as_json else told(document, content)
        )
    if limit is None and seen.missing:
        raise MissingError(f"{folder}: not in these shards: {', '.join(seen.missing)}; is the id, URL or row right?")


def told(document: reading.Document, content: Mapping[str, Any]) -> str:
    """Return a document for the terminal: where it is from, a line on where it lies, and its text or ids."""
    fields = document.readable()
    where = f"{fields['shard']}, row {fields['shard_row']}"
    source = f"{fields['warc_file']} at {fields['warc_offset']:,}"
    about = [where, f"{fields['n_tokens']:,} tokens", fields["language"], fields["date"], source]
    text = content["text"].expandtabs() if "text" in content else " ".join(map(str, content["ids"]))
    return harmless(f"{fields['doc_id']}  {fields['url']}\n{'; '.join(filter(None, about))}\n\n{text}\n").plain


@shards.command(short_help="Show what differs between two shard folders.")
@click.argument("one", metavar="A", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("two", metavar="B", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--examples", type=click.IntRange(0), metavar="N", default=3, show_default=True, help="Documents to name of a kind."
)
@AsJson
def diff(one: Path, two: Path, examples: int, as_json: bool) -> None:
    """Show what differs between the shard folders A and B: tokenizer, boundary, components, documents.

    A document has changed when its ids differ. Components with the same Merkle root hold the same ids and are not read.

    \b
    corpus shards diff before/shards after/shards
    corpus shards diff before/shards after/shards --json | jq .same
    """
    found = compare(load_manifest(one), load_manifest(two), examples)
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for line in told_differences(found):
        click.echo(harmless(line).plain)
    if not found["same"]:
        columns = ("component", "state", "documents A", "documents B", *DIFFERENCES.values())
        rows = [
            (name, c["state"], *c["documents"], *(c.get(kind, "") for kind in DIFFERENCES))
            for name, c in found["components"].items()
        ]
        out().print(table("Components", columns, rows, columns[2:]))


def told_differences(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield in lines what differs: the ids, the fields of tokenizer and boundary, and examples of documents."""
    yield from (f"{name.upper()}  {found[name]['dataset']}  {found[name]['folder']}" for name in ("a", "b"))
    if found["same"]:
        yield "the same dataset: the same ids in the same order, as the dataset id says; the shards were not read"
        return
    for block in ("tokenizer", "boundary"):
        for name, sides in found[block].items():
            a, b = (tables.shortened(side, 80) for side in sides)
            yield f"{block}: {name} is {a} in A, {b} in B"
    for name, component in found["components"].items():
        for kind, documents in component.get("examples", {}).items():
            for document in documents:
                tokens = tables.shortened(document["tokens"])
                yield f"{name}, {DIFFERENCES[kind]}: {document['doc_id']}  {document['url']}, {tokens} tokens"


@shards.command("export", short_help="Write shards as files that other trainers read.")
@FolderArgument
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), required=True, help="Which files.")
@click.option(
    "--out",
    "prefix",
    type=click.Path(path_type=Path),
    required=True,
    metavar="PREFIX",
    help="What the names of the files begin with.",
)
@click.option("--component", "components", multiple=True, metavar="NAME", help="Only this component. Repeatable.")
def export_shards(folder: Path, form: str, prefix: Path, components: tuple[str, ...]) -> None:
    """Write the components of a shard folder as files of another format, each component its own.

    megatron: PREFIX-COMPONENT.bin and .idx, as Megatron-LM's IndexedDataset reads them, a document a sequence.
    npy: PREFIX-COMPONENT.npy with all ids, and .index.npy with where each document begins, and the end.

    \b
    corpus shards export out/shards --format megatron --out megatron/web
    corpus shards export out/shards --format npy --out flat/web --component en-central-prose
    """
    contents = Contents(load_manifest(folder))
    for path in export(contents, form, prefix, components):
        click.echo(harmless(f"{path}: {path.stat().st_size:,} bytes").plain)


@shards.command(short_help="Take documents out: sites, URLs, ids.")
@FolderArgument
@click.option("--site", "sites", multiple=True, help="Host or registered domain, subdomains included. Repeatable.")
@click.option("--url", "urls", multiple=True, help="URL of a page. Repeatable.")
@click.option("--doc", "docs", multiple=True, metavar="ID", help="Document id in hex. Repeatable.")
@click.option(
    "--from",
    "listing",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="File with a line each: site HOST, url URL or doc ID; - for standard input.",
)
@click.option("--out", "target", type=click.Path(path_type=Path), metavar="FOLDER", help="New folder for what is left.")
@click.option("--in-place", is_flag=True, help="Change FOLDER itself.")
@AsJson
def remove(
    folder: Path,
    sites: tuple[str, ...],
    urls: tuple[str, ...],
    docs: tuple[str, ...],
    listing: TextIO | None,
    target: Path | None,
    in_place: bool,
    as_json: bool,
) -> None:
    """Take documents out of a shard folder, as after a request to take down a site, a page or a document.

    Only files that hold one are written anew; with --out the others become links. The new manifest names its parent and
    how much was removed, never what. Stopped at any moment, the same command finishes it.

    \b
    corpus shards remove out/shards --site example.org --out taken-down/shards
    corpus shards remove out/shards --url https://example.org/page --doc 11a4f70d1884e2613051898f7fdcec99 --in-place
    corpus shards remove out/shards --from requests.txt --in-place
    """
    if (target is None) != in_place:
        raise click.UsageError("give --out FOLDER for a new folder, or --in-place")
    pairs = [("site", site) for site in sites] + [("url", url) for url in urls] + [("doc", doc) for doc in docs]
    request = request_of(pairs + (lines_of(listing.read()) if listing else []))
    if not len(request):
        raise click.UsageError("give what to remove: --site, --url, --doc or --from")
    done = remove_in_place(folder, request) if target is None else remove_into(folder, request, target)
    for name in done.unmatched:
        click.echo(harmless(f"no document: {name}").plain, err=True)
    if as_json:
        click.echo(json.dumps(done.readable(), indent=1, ensure_ascii=False))
        return
    sums = {name: sum(counts[name] for counts in done.entry["removed"].values()) for name in ("documents", "tokens")}
    text = f"{done.folder}: {sums['documents']:,} documents, {sums['tokens']:,} tokens removed"
    click.echo(harmless(f"{text}{' before' * done.before}; dataset {done.dataset}").plain)
