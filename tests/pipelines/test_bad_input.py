"""What is wrong is said in one clear sentence, with a non-zero exit code, and nothing half-written is left."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from running import corpus

from corpus.report import ledger

REPOSITORY = Path(__file__).resolve().parents[2]
CRAWL = REPOSITORY / "sample_data" / "crawl"


def sentence(*arguments: str) -> str:
    """Run a command that must fail and return what it says: one line, no traceback."""
    done = corpus(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "wed"), "recipe = 'wed' is not valid; did you mean web? recipes are: grid, sample, web"),
        (("run", "web", "--set", "treshold=x"), "did you mean thresholds?"),
        (("run", "web", "--set", "bands=many"), "bands = 'many' is not valid; a number is needed"),
        (("run", "web", "--set", "extractor=magic"), "valid are: trafilatura, resiliparse, adaptive"),
        (("run", "web", "--input", "nowhere/*.warc.gz"), "nowhere/*.warc.gz"),
        (("run", "web", "--input", str(CRAWL), "--set", "thresholds=no.toml"), "no.toml: cannot read rules"),
        (("run", "web", "--input", str(CRAWL), "--set", "tokenizer=./no.json"), "no.json"),
        (("run", "web", "--input", str(CRAWL), "--set", "eos=<|nope|>"), "<|nope|>"),
        (("run", "web", "--input", str(CRAWL), "--set", "language_model=no.ftz"), "no.ftz"),
        (("run", "web", "--input", str(CRAWL), "--set", "ranks=no-ranks.txt.gz"), "no-ranks.txt.gz"),
        (("run", "sample", "--input", "x"), "brings its own inputs"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[1:])[-30:],
)
def test_a_wrong_setting_is_told_before_any_work(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """The sentence names what was given and what would be valid; no document was made."""
    root = tmp_path / "root"
    assert message in sentence(*arguments, *(["--root", str(root)] if arguments[0] == "run" else []))
    assert not list(root.glob("documents/*"))


def test_no_input_at_all_is_told(tmp_path: Path) -> None:
    """`corpus run web` without --input says what to give."""
    assert "no input given" in sentence("run", "web", "--root", str(tmp_path / "root"))


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    """A folder without archives is an error that names the folder."""
    (tmp_path / "crawl").mkdir()
    assert str(tmp_path / "crawl") in sentence(
        "run", "web", "--input", str(tmp_path / "crawl"), "--root", str(tmp_path / "root")
    )


@pytest.mark.parametrize("command", [("status",), ("ledger",), ("trace", "x"), ("report",)], ids=" ".join)
def test_looking_at_a_root_that_is_none_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Each command says that nothing was run here."""
    assert str(tmp_path) in sentence(command[0], str(tmp_path), *command[1:])


def test_a_file_that_cannot_be_read_is_listed_and_the_others_go_on(tmp_path: Path) -> None:
    """Exit code 3; the unreadable file is named at the end; the other file's documents are in the ledger."""
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    (crawl / "a.warc.gz").write_bytes((CRAWL / "crawl-00003.warc.gz").read_bytes())
    (crawl / "b.warc.gz").mkdir()
    listing = tmp_path / "files.txt"
    listing.write_text(f"{crawl}/a.warc.gz\n{crawl}/b.warc.gz\n{crawl}/gone.warc.gz\n")
    root = tmp_path / "root"
    done = corpus("run", "web", "--input", str(listing), "--root", str(root), "--workers", "1")
    assert done.returncode == 3, done.stderr
    assert f"{crawl}/b.warc.gz: is not a file" in done.stderr
    assert f"{crawl}/gone.warc.gz: cannot be read" in done.stderr
    assert [file["file"] for file in ledger.summary(root)["files"]] == [str(crawl / "a.warc.gz")]
    assert "Traceback" not in done.stderr


def test_an_archive_with_nothing_in_it_gives_a_clear_end(tmp_path: Path) -> None:
    """An empty file and one of pure noise: the ledger says so, and the road ends with a sentence, not a crash."""
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    (crawl / "empty.warc.gz").write_bytes(b"")
    (crawl / "noise.warc.gz").write_bytes(bytes(range(256)) * 40)
    root = tmp_path / "root"
    message = sentence("run", "web", "--input", str(crawl), "--root", str(root), "--workers", "1")
    assert "no document" in message.lower() or "nothing" in message.lower() or "kept" in message.lower()


def test_a_disk_without_room_is_told_and_nothing_half_written_is_left(tmp_path: Path) -> None:
    """With a limit on file sizes (standing in for a full disk) the run stops; with room again it finishes."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    root = tmp_path / "root"
    command = [sys.executable, "-m", "corpus", "run", "sample", "--root", str(root), "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(root.rglob("*.tmp"))
    assert not (root / "shards" / "manifest.json").exists()
    assert corpus("run", "sample", "--root", str(root), "--workers", "2").returncode == 0
