"""Inputs named as paths, folders, globs, URLs and listings become one sorted list without doubles."""

import gzip
import os
from pathlib import Path

import pytest
from httpfaults import Site, serving

from corpus.errors import InputError, RemoteError
from corpus.inputs import Input, open_input, resolve
from corpus.remote import RemoteSettings

QUICK = RemoteSettings(attempts=2, first_wait=0.01, longest_wait=0.02, deadline=5)


def tree(root: Path, *names: str) -> Path:
    """Write small files; each holds its own name."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def names(root: Path, inputs: list[Input]) -> list[str]:
    """Return the inputs' paths relative to `root`."""
    return [Path(item.url).relative_to(root).as_posix() for item in inputs]


def test_folder_gives_archives_at_any_depth(tmp_path: Path) -> None:
    """A folder is searched for archive names of every format; notes, indexes and hidden files are left out."""
    archives = ["a.warc", "b/c.WARC.GZ", "b/d.warc.zst", "e.arc", "e.arc.gz", "f.wet", "f.warc.wet.gz", "g.wet.gz",
                "odd.gz", "z.warc.gz.bad"]  # fmt: skip
    others = [
        "SOURCES.md",
        "x.cdx.gz",
        "warc.paths.gz",
        "y.warc.gz.part",
        ".hidden.warc",
        ".git/a.warc",
        "warc",
        "t.txt",
    ]
    tree(tmp_path, *archives, *others)
    assert names(tmp_path, resolve([str(tmp_path)])) == sorted(archives)


def test_named_files_are_taken_whatever_their_name(tmp_path: Path) -> None:
    """A file named explicitly needs no archive suffix; its size and modification time are its mark."""
    path = tree(tmp_path, "crawl.bin") / "crawl.bin"
    os.utime(path, ns=(5, 1_234_567_890))
    assert resolve([str(path)]) == [Input(str(path), 9, "9-1234567890")]


def test_doubles_are_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file by path, relative path, file URL, glob and folder is one input."""
    tree(tmp_path, "a.warc", "sub/b.warc")
    monkeypatch.chdir(tmp_path)
    given = ["sub/../a.warc", f"{tmp_path}/*.warc", tmp_path.as_uri() + "/a.warc", str(tmp_path), "sub/b.warc"]
    assert names(tmp_path, resolve(given)) == ["a.warc", "sub/b.warc"]


def test_globs_reach_into_folders(tmp_path: Path) -> None:
    """** matches folders at any depth; a file whose name looks like a glob is still a file."""
    tree(tmp_path, "x/1.warc", "x/y/2.warc", "[1].warc")
    assert names(tmp_path, resolve([f"{tmp_path}/**/*.warc"])) == ["[1].warc", "x/1.warc", "x/y/2.warc"]
    assert names(tmp_path, resolve([f"{tmp_path}/[1].warc"])) == ["[1].warc"]


def test_local_listing(tmp_path: Path) -> None:
    """Entries of a listing are relative to its folder, or to the prefix; # and blank lines are passed."""
    tree(tmp_path, "in/a.warc", "in/b.warc", "in/list.txt")
    (tmp_path / "in" / "list.txt").write_text("# two\r\nb.warc\r\n\r\na.warc\n")
    assert names(tmp_path, resolve([str(tmp_path / "in" / "list.txt")])) == ["in/a.warc", "in/b.warc"]
    (tmp_path / "all.paths.gz").write_bytes(gzip.compress(b"a.warc\n"))
    assert names(tmp_path, resolve([str(tmp_path / "all.paths.gz")], prefix=str(tmp_path / "in"))) == ["in/a.warc"]


def test_listing_with_prefix_becomes_urls(tmp_path: Path) -> None:
    """Common Crawl's listing and prefix give https URLs; above the probe limit nobody is asked."""
    (tmp_path / "warc.paths.gz").write_bytes(gzip.compress(b"crawl-data/2.warc.gz\ncrawl-data/1.warc.gz\n"))
    found = resolve([str(tmp_path / "warc.paths.gz")], "https://data.example/", RemoteSettings(probe_limit=1))
    assert found == [Input(f"https://data.example/crawl-data/{n}.warc.gz") for n in (1, 2)]
    found = resolve([str(tmp_path / "warc.paths.gz")], "s3://crawl", RemoteSettings(probe_limit=0))
    assert [item.url for item in found] == [f"s3://crawl/crawl-data/{n}.warc.gz" for n in (1, 2)]


def test_remote_listing_and_files() -> None:
    """A remote listing without prefix speaks of the same server; sizes and ETags come from the server."""
    listing = gzip.compress(b"crawl/b.warc.gz\n/crawl/a.warc.gz\n")
    files = {"/x/warc.paths.gz": listing, "/crawl/a.warc.gz": b"aa", "/crawl/b.warc.gz": b"bbb"}
    with serving(Site(files, faults=["503"])) as site:
        found = resolve([f"{site.url}/x/warc.paths.gz"], settings=QUICK)
        assert found == [
            Input(f"{site.url}/crawl/a.warc.gz", 2, '"1"'),
            Input(f"{site.url}/crawl/b.warc.gz", 3, '"1"'),
        ]
        with open_input(found[1].url, QUICK) as stream:
            assert stream.read() == b"bbb"
        with pytest.raises(RemoteError, match=r"/c\.warc: there is no such file \(404\)"):
            resolve([f"{site.url}/c.warc"], settings=QUICK)


def test_an_input_that_cannot_be_asked_about_stays_among_others(tmp_path: Path) -> None:
    """A missing file or URL is no reason to read nothing: it stays, unmarked, and is told of when it is read."""
    tree(tmp_path, "a.warc")
    with serving(Site({"/b.warc": b"b"})) as site:
        given = [f"{tmp_path}/a.warc", f"{tmp_path}/gone.warc", f"{site.url}/b.warc", f"{site.url}/gone.warc"]
        found = resolve(given, settings=QUICK)
    assert {item.url for item in found} == set(given)
    assert {item.url for item in found if not item.mark} == {given[1], given[3]}


def test_a_server_that_fails_throughout_is_given_up_early() -> None:
    """When the first answers are all failures, the rest of a long listing is not asked for."""
    with serving(Site({})) as site:
        with pytest.raises(RemoteError, match=r"/00\.warc: there is no such file"):
            resolve([f"{site.url}/{n:02}.warc" for n in range(90)], settings=QUICK)
        assert len(site.requests) == 16


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no input given"),
        (["{}/none.warc"], "none.warc: cannot be read (No such file or directory); check the path"),
        (["{}/*.arc"], "*.arc: no file matches"),
        (["{}/empty"], "empty: no archive in this folder"),
        (["{}/bad.paths.gz"], "bad.paths.gz: cannot be read as a listing"),
        (["{}/binary.txt"], "binary.txt: this is no listing of archives"),
        (["{}/blank.txt"], "blank.txt: this listing names no archive"),
        (["{}/absent.txt"], "absent.txt: cannot be read (No such file or directory)"),
        (["ftp://host/a.warc"], "only s3://, https:// and http:// URLs can be read"),
        (["https://host/folder/"], "a folder on a web server cannot be listed"),
        (["file://[/a.warc"], "file://[/a.warc: no valid file:// URL"),
        ([""], "'' is no file name"),
        (["{}/a\0.warc"], "is no file name"),
        (["{}/" + "a" * 300], "cannot be read (File name too long)"),
        (["{}/pipe.warc"], "pipe.warc: is not a file"),
        (["/dev/zero"], "/dev/zero: is not a file"),
        (["{}/folders.txt"], "is not a file"),
    ],
)
def test_errors_name_the_input(tmp_path: Path, given: list[str], message: str) -> None:
    """Each thing that cannot be read is named with its reason."""
    tree(tmp_path, "a.warc", "bad.paths.gz", "empty/readme.md")
    (tmp_path / "binary.txt").write_bytes(b"a\0b\n")
    (tmp_path / "blank.txt").write_text("\n# nothing\n")
    (tmp_path / "folders.txt").write_text(".\n")
    os.mkfifo(tmp_path / "pipe.warc")
    with pytest.raises(InputError) as caught:
        resolve([text.format(tmp_path) for text in given])
    assert message in str(caught.value)


def test_open_input_says_why_not(tmp_path: Path) -> None:
    """A file that vanished after it was found is an InputError."""
    with pytest.raises(InputError, match="cannot be read"):
        open_input(str(tmp_path / "gone.warc"))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe or device among archives is refused when it is opened, so that it cannot hold up a run or never end."""
    tree(tmp_path, "a.warc")
    os.mkfifo(tmp_path / "pipe.warc")
    (tmp_path / "zero.warc").symlink_to("/dev/zero")
    found = resolve([str(tmp_path)])
    assert [item.size for item in found] == [6, None, None]
    for item in found[1:]:
        with pytest.raises(InputError, match="is not a file"):
            open_input(item.url)


def test_odd_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names with blanks, line ends, dashes, wildcards, tildes and percent signs are names, also in a listing."""
    odd = ["-dash.warc", "a b.warc", "a[1]?.warc", "per%20cent.warc", "q?x#y.warc", "~tilde.warc", "~/home.warc"]
    tree(tmp_path, *odd, "new\nline.warc")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "~"))
    for name in [*odd, "new\nline.warc"]:
        assert names(tmp_path, resolve([name])) == [name]
    (tmp_path / "windows.txt").write_text("".join(f"{name}\r\n" for name in odd))
    assert names(tmp_path, resolve(["windows.txt"])) == sorted(odd)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """A file whose name is not valid UTF-8 goes by a file:// URL, which can be stored, and is read by it."""
    name = os.fsdecode(b"caf\xe9.warc")
    (tmp_path / name).write_bytes(b"content")
    for given in (tmp_path, tmp_path / name, tmp_path.as_uri() + "/caf%E9.warc"):
        (found,) = resolve([str(given)])
        assert (found.url, found.size) == (tmp_path.as_uri() + "/caf%E9.warc", 7)
    with open_input(found.url) as stream:
        assert stream.read() == b"content"
