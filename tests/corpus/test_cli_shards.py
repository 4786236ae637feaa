"""`corpus shards` from the command line: what it prints, for people and for scripts, and what it refuses."""

import json
import shutil
from pathlib import Path

import flat_readers
import pytest
from click.testing import CliRunner, Result
from token_roots import make_shards, pages, run, stages, write_pages

from corpus.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("shards"), count=80)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["shards", *map(str, arguments)])


def lines(*arguments: object) -> list[dict[str, object]]:
    done = call(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.output.splitlines()]


def test_cat_prints_a_line_of_json_per_document(folder: Path) -> None:
    """As many as there are, or as the limit allows; text or ids."""
    by_url = {f"https://example.org/{page.number}": page for page in pages(80) if page.component}
    found = lines("cat", folder)
    assert {line["url"]: line["text"] for line in found} == {url: page.text for url, page in by_url.items()}
    assert lines("cat", folder, "--limit", 3) == found[:3]
    (one,) = lines("cat", folder, "--ids", "--component", "en", "--row", 2)
    assert isinstance(one["ids"], list)
    assert len(one["ids"]) == one["n_tokens"]
    assert (one["component"], one["row"]) == ("en", 2)


def test_cat_shows_a_document_to_people(folder: Path) -> None:
    """Its id, URL, place and text; the URL may be spelled in any way that normalises to the same."""
    page = next(page for page in pages(80) if page.component)
    done = call("cat", folder, "--url", f"HTTPS://EXAMPLE.org:443/{page.number}#top")
    assert done.output.startswith(f"{page.id.hex()}  https://example.org/{page.number}\n{page.component}/shard-0")
    assert page.text in done.output
    assert call("cat", folder, "--doc", page.id.hex()).output == done.output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--component", "fr"], 1, "no component 'fr'"),
        (["--doc", "00" * 16], 1, f"not in these shards: {'00' * 16}"),
        (["--doc", "x"], 1, "give 32 hex digits"),
        (["--row", "-1"], 2, "not in the range"),
    ],
)
def test_cat_refuses_what_is_not_there(folder: Path, arguments: list[str], code: int, message: str) -> None:
    """One sentence and an exit code."""
    done = call("cat", folder, *arguments)
    assert (done.exit_code, message in done.output) == (code, True), done.output
    assert call("cat", folder / "none").exit_code == 2
    assert "no manifest.json" in call("cat", folder / "en").output


def test_diff_tells_people_and_scripts(folder: Path, tmp_path: Path) -> None:
    """Equal folders in a sentence; else the component, the counts and the document that is missing."""
    assert "the same dataset" in call("diff", folder, folder).output
    kept = [page for page in pages(80) if page.component]
    gone, *rest = kept
    write_pages(tmp_path, [rest])
    run(stages(tmp_path))
    told = call("diff", folder, tmp_path / "shards").output
    assert f"{gone.component}, only in A: {gone.id.hex()}  https://example.org/{gone.number}, " in told
    found = json.loads(call("diff", folder, tmp_path / "shards", "--json", "--examples", 0).output)
    assert (found["same"], found["components"][gone.component]["only_a"]) == (False, 1)
    assert found["components"][gone.component]["examples"] == {"only_a": []}
    assert call("diff", folder, tmp_path / "nowhere").exit_code == 2


def test_export_names_the_files_it_wrote(folder: Path, tmp_path: Path) -> None:
    """A component asked for, in both formats; a second time is refused, and so is an unknown format."""
    done = call("export", folder, "--format", "megatron", "--out", tmp_path / "web", "--component", "en")
    assert done.exit_code == 0
    documents = lines("cat", folder, "--component", "en", "--ids")
    assert flat_readers.megatron(tmp_path / "web-en") == (8, [line["ids"] for line in documents])
    size = (tmp_path / "web-en.bin").stat().st_size
    assert f"{tmp_path / 'web-en.bin'}: {size:,} bytes" in done.output
    again = call("export", folder, "--format", "megatron", "--out", tmp_path / "web")
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    assert call("export", folder, "--format", "arrow", "--out", tmp_path / "web").exit_code == 2
    assert call("export", folder, "--format", "npy", "--out", tmp_path / "web", "--component", "fr").exit_code == 1


def test_remove_tells_what_went_and_what_was_not_there(folder: Path, tmp_path: Path) -> None:
    """From options and a listing, into a new folder, which verifies; what meant nothing is on standard error."""
    one, two, *rest = [page for page in pages(80) if page.component]
    listing = tmp_path / "requests.txt"
    listing.write_text(f"# two pages\nurl https://example.org/{two.number}\nsite nowhere.example\n")
    asked = ["--doc", one.id.hex(), "--from", listing]
    done = call("remove", folder, *asked, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert f"{tmp_path / 'out'}: 2 documents, " in done.output
    assert "no document: site nowhere.example\n" in done.output
    assert call("verify", tmp_path / "out").exit_code == 0
    assert {line["doc_id"] for line in lines("cat", tmp_path / "out")} == {page.id.hex() for page in rest}


def test_remove_in_place_can_be_said_twice(folder: Path, tmp_path: Path) -> None:
    """The second time it says that it was done before; JSON has the entry of the manifest."""
    here = shutil.copytree(folder, tmp_path / "shards")
    one, two = [page for page in pages(80) if page.component][:2]
    asked = ["--doc", one.id.hex(), "--url", f"https://example.org/{two.number}", "--in-place"]
    first, second = (json.loads(call("remove", here, *asked, "--json").output) for _ in range(2))
    assert first | {"done_before": True} == second
    assert first["parent"]["request"]["docs"] == 1
    assert "removed before; dataset" in call("remove", here, *asked).output
    assert f"parent     {first['parent']['dataset']}, 2 documents removed 20" in call("info", here).output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--site", "example.org"], 2, "give --out FOLDER for a new folder, or --in-place"),
        (["--site", "example.org", "--out", "x", "--in-place"], 2, "or --in-place"),
        (["--in-place"], 2, "give what to remove"),
        (["--site", "com", "--in-place"], 1, "give a host or a registered domain"),
        (["--site", "nowhere.example", "--in-place"], 1, "holds nothing of what is to be removed"),
        (["--site", "example.org", "--in-place"], 1, "nothing would be left"),
    ],
)
def test_remove_refuses_what_makes_no_sense(folder: Path, arguments: list[str], code: int, message: str) -> None:
    """One sentence, and the folder is as it was."""
    done = call("remove", folder, *arguments)
    assert (done.exit_code, message in done.output) == (code, True), done.output
    assert call("verify", folder).exit_code == 0
