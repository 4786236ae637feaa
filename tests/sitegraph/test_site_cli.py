"""The command `sitegraph`."""

import gzip
import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from corpus.errors import InputError
from corpus.schema import AUTHORITY, LINKS
from corpus.stage import tick
from corpus.storage import ShardSet
from sitegraph.building.textlinks import convert
from sitegraph.cli import harmless, main
from sitegraph.cli.progress import Line, counting, duration, sweeps_left
from sitegraph.layout import GraphSets
from sitegraph.stages import BuildGraph, RankSites

Links = Sequence[tuple[str, str, int, int]]
TEXT = "source,target,pages\nwww.a.com,b.com,3\na.com,c.org\n\nb.com,a.com,2\nx.b.com,a.com,1\n10.0.0.1,a.com,1\n"


def sitegraph(*arguments: object, fails: bool = False) -> Result:
    """Run the command; it must succeed, or end with code 1, one line on standard error and nothing on output."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if fails:
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert result.stderr.startswith("Error: ")
    else:
        assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A graph built from a text file."""
    (tmp_path / "links.csv").write_text(TEXT)
    sitegraph("build", tmp_path / "links.csv", "--out", tmp_path / "graph")
    return tmp_path / "graph"


@pytest.fixture
def ranks(graph: Path) -> Path:
    """Ranks of that graph."""
    path = graph.parent / "ranks.parquet"
    sitegraph("rank", graph, "--out", path)
    return path


def test_build_prints_its_counts(tmp_path: Path) -> None:
    """As a table for people and as JSON for scripts; links of several files add up; gzip and tabs are understood."""
    one, two = tmp_path / "one.csv", tmp_path / "two.tsv.gz"
    one.write_text(TEXT)
    two.write_bytes(gzip.compress(b"\xef\xbb\xbfd.net\ta.com\t7\r\nd.net\ta.com\t1\r\n"))
    counts = json.loads(sitegraph("build", one, two, "--out", tmp_path / "graph", "--json").stdout)
    assert (counts["links"], counts["links_unusable"], counts["hosts"], counts["host_arcs"]) == (7, 1, 5, 5)
    assert "host_arcs" in sitegraph("build", one, "--out", tmp_path / "graph").stdout
    kinds = ("arcs", "classes", "names", "nodes")
    folders = sorted(f"{level}-{kind}" for level in ("domain", "host") for kind in kinds)
    assert sorted(p.name for p in (tmp_path / "graph").iterdir()) == folders


def test_build_reads_link_files_folders_and_roots(
    write_links: Callable[[Path, Sequence[Links]], ShardSet],
    write_documents: Callable[[Path, Sequence[str]], ShardSet],
    tmp_path: Path,
) -> None:
    """A part file, a folder of them, and the root of a run, whose documents add their hosts."""
    links = write_links(tmp_path / "root", [[("a.com", "b.com", 0, 1)], [("b.com", "a.com", 0, 1)]])
    write_documents(tmp_path / "root", ["c.com"])

    def hosts(path: Path) -> int:
        return int(json.loads(sitegraph("build", path, "--out", tmp_path / "g", "--json").stdout)["hosts"])

    assert hosts(links.path(0)) == 2
    assert hosts(tmp_path / "root" / "links") == 2
    assert hosts(tmp_path / "root") == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a.com,b.com,1\na.com\n", "line 2: 1 columns"),
        ("a.com,b.com,1\n\na.com,b.com,many\n", "line 3: pages must be a number from 1 to 4,294,967,295, not 'many'"),
        ("a.com,b.com,0\n", "line 1: pages must be"),
        ("a.com,b.com,1,x\n", "line 1: source pages must be a number from 0 to 4,294,967,295, not 'x'"),
        ("a.com,b.com,3,2\n", "line 1: 3 pages with the link, of 2 source pages"),
        ("a.com,b.com,1,2,3\n", "line 1: 5 columns"),
        ("a.com,b.com,99999999999\n", "line 1: pages must be"),
        ("a.com,b.com,²\n", "line 1: pages must be"),
        ("a.com,b.com\n\udcff,b.com\n", "after line .*: .*utf-8"),
        ('a.com,b.com\n"a.com,b.com\n', "after line 1: unexpected end of data"),
        ("a" * 100_000, "after line 0: longer than 65,536"),
    ],
)
def test_a_wrong_line_of_a_text_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    """File, line and reason; nothing is written."""
    path = tmp_path / "links.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=rf"links\.csv, {reason}"):
        convert(path, tmp_path / "links.parquet")
    sitegraph("build", path, "--out", tmp_path / "graph", fails=True)
    assert not list((tmp_path / "graph").iterdir())


def test_text_links_may_say_how_many_pages_their_source_has(tmp_path: Path) -> None:
    """A third column is pages with the link, a fourth all pages of the source host; without them 1 and unknown."""
    path = tmp_path / "links.csv"
    path.write_text("source,target,pages,source_pages\na.com,b.com,3,7\na.com,c.com,2\na.com,d.com\n")
    assert convert(path, tmp_path / "links.parquet") == 3
    table = pq.read_table(tmp_path / "links.parquet")
    assert table.schema.equals(LINKS)
    assert (table["pages"].to_pylist(), table["source_pages"].to_pylist()) == ([3, 2, 1], [7, 0, 0])


def test_a_cut_gzip_file_of_links_is_an_error(tmp_path: Path) -> None:
    """A truncated text file is not taken for a shorter one."""
    path = tmp_path / "links.csv.gz"
    path.write_bytes(gzip.compress(b"a.com,b.com,1\n" * 1000)[:-9])
    with pytest.raises(InputError, match=r"links\.csv\.gz, after line \d"):
        convert(path, tmp_path / "links.parquet")


def test_rank_writes_a_table_that_its_options_decide(graph: Path, ranks: Path) -> None:
    """Parquet by the schema, sorted; another damping, mode, weighting or seeds file give other ranks."""
    table = pq.read_table(ranks)
    assert table.schema.equals(AUTHORITY)
    seeds = graph.parent / "seeds.txt"
    seeds.write_text("c.org\n")
    other = graph.parent / "other.parquet"
    for options in (["--damping", 0.5], ["--weights", "distinct-hosts"], ["--dangling", "pseudo"]):
        sitegraph("rank", graph, "--out", other, *options)
        assert pq.read_table(other)["pagerank"] != table["pagerank"], options
    counts = json.loads(sitegraph("rank", graph, "--out", other, "--seeds", seeds, "--json").stdout)
    assert (counts["hosts"], counts["seeds"], counts["seeds_unknown"]) == (4, 1, 0)


def test_rank_gives_every_rank_that_it_has_files_for(graph: Path) -> None:
    """Seeds, bad sites and measured quality fill their columns; what is left out is null."""
    (graph.parent / "good.txt").write_text("a.com,news,en\n")
    (graph.parent / "bad.txt").write_text("c.org\n")
    (graph.parent / "quality.csv").write_text("b.com,0.5,10\n")
    files = ("--seeds", "good.txt", "--bad", "bad.txt", "--quality", "quality.csv")
    options = [name if name.startswith("--") else graph.parent / name for name in files]
    out = graph.parent / "all.parquet"
    sitegraph("rank", graph, "--out", out, *options)
    table = pq.read_table(out)
    for column in ("trust", "spam_mass", "anti_trust", "inverse", "quality", "robust", "truncated"):
        assert table[column].null_count == 0, column
    sitegraph("rank", graph, "--out", out, *options, "--trust-damping", 0)
    near = [row for row in pq.read_table(out).to_pylist() if row["level"] == "host" and row["trust"]]
    assert [(row["name"], row["trust"]) for row in near] == [("a.com", 1.0)]  # no link is followed
    sitegraph("rank", graph, "--out", out, "--no-inverse", "--truncate", 0)
    for column in ("inverse", "truncated"):
        assert pq.read_table(out)[column].null_count == table.num_rows, column


def test_a_log_hears_of_a_ranking_now_and_then(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is ranked, the sweep, the bound on the error, and the time left; nothing on standard output."""
    monkeypatch.setattr("sitegraph.cli.progress.LOG_SECONDS", 0.0)
    result = sitegraph("rank", graph, "--out", graph.parent / "r.parquet", "--json")
    assert re.search(r"^host level, pagerank: sweep 3, error at most .* of 1e-09, 0 s left$", result.stderr, re.M)
    assert json.loads(result.stdout)["hosts"] == 4


def test_a_log_hears_how_many_records_were_ticked_off() -> None:
    """How many, and how many a second; afterwards nobody listens any more."""
    heard = io.StringIO()
    with counting("import", "lines", Line(Console(file=heard), seconds=0.0)):
        tick(5)
        tick(7)
    tick(9)
    assert re.findall(r"^import: (\d+) lines, [\d,]+ a second$", heard.getvalue(), re.M) == ["5", "12"]


def test_the_sweeps_left_follow_from_how_the_bound_falls() -> None:
    """A bound that fell by a hundred in two sweeps falls by a tenth with each: seven more from 1e-2 to 1e-9."""
    assert sweeps_left(1.0, 1e-2, 2, 1e-9) == pytest.approx(7.0)
    assert sweeps_left(1.0, 1e-10, 2, 1e-9) == 0.0
    assert sweeps_left(1e-2, 1e-2, 2, 1e-9) is None
    assert sweeps_left(1.0, 1e-2, 0, 1e-9) is None
    assert [duration(seconds) for seconds in (7, 600, 36_000)] == ["7 s", "10 min", "10.0 h"]


def test_build_takes_the_suffixes_that_it_is_given(tmp_path: Path) -> None:
    """Registries alone, companies and platforms too, and a file of more platforms."""
    (tmp_path / "links.csv").write_text("x.github.io,y.weebly.com\nx.weebly.com,y.github.io\na.host.net,b.host.net\n")
    (tmp_path / "more.txt").write_text("host.net  # many hosts\n")

    def domains(*options: object) -> int:
        result = sitegraph("build", tmp_path / "links.csv", "--out", tmp_path / "graph", "--json", *options)
        return int(json.loads(result.stdout)["domains"])

    assert [domains("--suffixes", level) for level in ("icann", "private", "platforms")] == [3, 4, 5]
    assert domains("--platforms", tmp_path / "more.txt") == 6
    (tmp_path / "more.txt").write_text("host.net\nno name\n")
    message = sitegraph(
        "build", tmp_path / "links.csv", "--out", tmp_path / "g", "--platforms", tmp_path / "more.txt", fails=True
    )
    assert "more.txt, line 2: 'no name' is no domain" in message.stderr


def test_platforms_are_found_and_written(tmp_path: Path) -> None:
    """Two strangers under one domain, each linked by another site; the list is one that build takes."""
    lines = [f"u{i}.host.net,friend{i}.org\nfriend{i}.org,u{i}.host.net\n" for i in range(120)]
    (tmp_path / "links.csv").write_text("".join(lines))
    sitegraph("build", tmp_path / "links.csv", "--out", tmp_path / "graph")
    result = sitegraph("platforms", tmp_path / "graph", "--out", tmp_path / "found.txt")
    assert "1 of 1 domains with enough hosts" in result.stdout
    assert "host.net  # 120 hosts" in (tmp_path / "found.txt").read_text()
    rows = json.loads(sitegraph("platforms", tmp_path / "graph", "--json").stdout)
    assert [(row["name"], row["proposed"]) for row in rows] == [("host.net", True)]
    sitegraph("build", tmp_path / "links.csv", "--out", tmp_path / "again", "--platforms", tmp_path / "found.txt")


def test_a_published_graph_is_imported(tmp_path: Path) -> None:
    """Vertices and edges in text; the level by their columns, or as told."""
    (tmp_path / "v.txt").write_text("0\tcom.a\n1\tcom.a.x\n2\torg.b\n")
    (tmp_path / "e.txt.gz").write_bytes(gzip.compress(b"0\t2\n2\t1\n"))
    files = ("--vertices", tmp_path / "v.txt", "--edges", tmp_path / "e.txt.gz")
    counts = json.loads(sitegraph("import", *files, "--out", tmp_path / "graph", "--json").stdout)
    assert (counts["edges"], counts["hosts"], counts["domains"]) == (2, 3, 2)
    sitegraph("import", *files, "--out", tmp_path / "domains", "--level", "domain")
    assert not (tmp_path / "domains" / "host-names").exists()
    sitegraph("rank", tmp_path / "domains", "--out", tmp_path / "ranks.parquet")
    found = sitegraph("show", "b.org", "--ranks", tmp_path / "ranks.parquet", "--graph", tmp_path / "domains")
    assert "1 of 1 domains that link to b.org" in found.stdout
    (tmp_path / "v.txt").write_text("0\tcom.a\n2\torg.b\n")
    assert "v.txt, line 2" in sitegraph("import", *files, "--out", tmp_path / "graph", fails=True).stderr
    files = ("--vertices", tmp_path / "absent", "--edges", tmp_path / "e.txt.gz")
    assert "no such file" in sitegraph("import", *files, "--out", tmp_path / "graph", fails=True).stderr


def test_rank_imports_ranks(graph: Path) -> None:
    """A ranks file by its header, or for the level that is named before it."""
    header = "#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\n"
    path, out = graph.parent / "ranks.txt", graph.parent / "out.parquet"
    path.write_text(header + "1\t5.0\t7\t0.5\tcom.a\n")
    sitegraph("rank", graph, "--out", out, "--import-ranks", path, fails=True)
    for level, value in (("host", path), ("host", f"host={path}"), ("domain", f"domain={path}")):
        sitegraph("rank", graph, "--out", out, "--import-ranks", value, "--import-nodes", 10)
        found = pq.read_table(out, filters=[("level", "=", level), ("name", "=", "a.com")]).to_pylist()
        assert (found[0]["percentile"], found[0]["source"]) == (0.4, "ranks.txt")


def test_show_prints_ranks_and_neighbours(graph: Path, ranks: Path) -> None:
    """Host and registered domain, linking domains with their pages, and where the domain links to."""
    result = sitegraph("show", "www.a.com", "--ranks", ranks, "--graph", graph)
    assert "ranks of a.com" in result.stdout
    assert "1 of 1 domains that link to a.com" in result.stdout
    assert "2 of 2 domains that a.com links to" in result.stdout
    assert "link to" not in sitegraph("show", "a.com", "--ranks", ranks).stdout


def test_show_prints_json(graph: Path, ranks: Path) -> None:
    """The same for scripts; neighbours in the order of their positions; a URL is taken for its host."""
    card = json.loads(sitegraph("show", "https://x.b.com/y", "--ranks", ranks, "--graph", graph, "--json").stdout)
    assert (card["name"], card["domain_name"]) == ("x.b.com", "b.com")
    assert (card["host"]["level"], card["domain"]["level"]) == ("host", "domain")
    assert card["linked"][0]["pages"] == 3  # 2 of b.com and 1 of x.b.com
    card = json.loads(sitegraph("show", "a.com", "--ranks", ranks, "--graph", graph, "--top", 1, "--json").stdout)
    assert ([row["name"] for row in card["linked"]], card["linked_total"]) == (["b.com"], 2)


def test_show_works_on_the_root_of_a_run(
    write_links: Callable[[Path, Sequence[Links]], ShardSet], tmp_path: Path
) -> None:
    """--root finds the ranks and the graph that the stages wrote; so does rank."""
    graph = GraphSets(tmp_path)
    BuildGraph(links=write_links(tmp_path, [[("a.com", "b.com", 0, 1)]]), graph=graph).run(0)
    RankSites(graph=graph, authority=ShardSet(tmp_path, "authority")).run(0)
    card = json.loads(sitegraph("show", "b.com", "--root", tmp_path, "--json").stdout)
    assert card["host"]["position"] == 1
    assert [row["name"] for row in card["linking"]] == ["a.com"]
    sitegraph("rank", tmp_path, "--out", tmp_path / "again.parquet")


def test_errors_are_one_sentence(graph: Path, ranks: Path, tmp_path: Path) -> None:
    """Unknown sites, absent files, wrong settings: what, where, what to do, and exit code 1."""
    for arguments, message in (
        (("show", "nowhere.example", "--ranks", ranks), "neither the host nor its registered domain"),
        (("show", "10.0.0.1", "--ranks", ranks), "is no host"),
        (("show", "a.com"), "give --ranks, or --root"),
        (("show", "a.com", "--ranks", tmp_path / "absent"), "no ranks here"),
        (("show", "a.com", "--ranks", ranks, "--graph", tmp_path / "absent"), "no graph here"),
        (("rank", tmp_path / "absent", "--out", ranks), "no graph here"),
        (("rank", graph, "--out", ranks, "--damping", 1), "damping = 1.0 is not valid"),
        (("rank", graph, "--out", ranks, "--tolerance", 0), "tolerance"),
        (("build", tmp_path / "absent", "--out", graph), "no such file"),
        (("build", tmp_path / "absent", "--out", graph, "--memory", 0), "memory"),
        (("build", graph, "--out", tmp_path / "new"), "neither the root of a run"),
    ):
        assert message in sitegraph(*arguments, fails=True).stderr, arguments


def test_control_characters_do_no_harm(tmp_path: Path) -> None:
    """What could steer a terminal is printed as escapes, from names as from arguments."""
    assert harmless("a\x1b[31m\u202e\r\nb") == "a\\x1b[31m\\u202e\\r\nb"
    told = {"level": "host", "name": "a.com", "reversed": "com.a", "platform": False}
    row = dict.fromkeys(AUTHORITY.names) | told | {"source": "evil\x1b]0;x\x07[red]"}
    pq.write_table(pa.Table.from_pylist([row], schema=AUTHORITY), tmp_path / "ranks.parquet")
    result = sitegraph("show", "a.com", "--ranks", tmp_path / "ranks.parquet")
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    assert "[red]" in result.stdout
    assert "\x1b" not in sitegraph("show", "\x1b[2J.com", "--ranks", tmp_path / "ranks.parquet", fails=True).stderr


@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_has_examples(command: str) -> None:
    """Each command's help ends in examples that name it."""
    text = sitegraph(command, "--help").stdout
    assert f"  sitegraph {command} " in text.partition("Examples:")[2]
