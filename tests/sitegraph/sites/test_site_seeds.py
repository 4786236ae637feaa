"""Seeds, bad sites and quality tables as preferences."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_names import sites_of

from corpus.errors import InputError, SettingError
from sitegraph.building.small import graph_of
from sitegraph.hosts import domain_of, reverse
from sitegraph.sites.measured import Shrinking, measured
from sitegraph.sites.preferences import Preference, Preferences, Sites, told
from sitegraph.sites.seedfiles import Seed, read_seeds
from sitegraph.sites.seeds import Sowing, seeded, sown, water
from sitegraph.store.opened import open_graph

HOSTS = ["a.com", "b.com", "c.de", "x.d.fr", "y.d.fr", "z.d.fr", "e.uk", "f.io"]


SITES = sites_of(HOSTS)


def by_name(wanted: Preferences, level: str) -> dict[str, float]:
    """Return masses by name of SITES; ids are ascending, masses sum to 1."""
    found: Preference = wanted.by_level[level]  # type: ignore[index]
    assert (found.ids.dtype, found.mass.dtype) == (np.int64, np.float64)
    assert np.all(np.diff(found.ids) > 0)
    assert found.mass.sum() == pytest.approx(1)
    names = (SITES.hosts if level == "host" else SITES.domains).names  # type: ignore[attr-defined]
    return {reverse(names[i]): m for i, m in zip(found.ids, found.mass, strict=True)}


def written(folder: Path, text: str | bytes, name: str = "seeds.txt") -> Path:
    """Return a file with this text."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_plain_list_gives_every_seed_the_same_mass(tmp_path: Path) -> None:
    """Hosts as they are, a domain that is no host by its hosts; comments, blanks, repetitions and URLs pass."""
    text = "\ufeff# good sites\n\nwww.A.com\na.com  # again\nhttps://c.de/page\nd.fr\nnowhere.example\nlocalhost\n"
    found = seeded(written(tmp_path, text), SITES)
    assert by_name(found, "host") == pytest.approx(
        {"a.com": 1 / 3, "c.de": 1 / 3, "x.d.fr": 1 / 9, "y.d.fr": 1 / 9, "z.d.fr": 1 / 9}
    )
    assert by_name(found, "domain") == pytest.approx({"a.com": 1 / 3, "c.de": 1 / 3, "d.fr": 1 / 3})
    assert (found.sites, found.unknown, found.unknown_names) == (5, 2, ("localhost", "nowhere.example"))
    assert told(found) == "2 of 5 sites are not in the graph: 'localhost', 'nowhere.example'"


def test_hosts_of_one_domain_are_one_seed_of_it(tmp_path: Path) -> None:
    """At host level each counts, at domain level the domain once; a spread domain adds to a host that is a seed too."""
    found = seeded(written(tmp_path, "x.d.fr\ny.d.fr\nd.fr\na.com\n"), SITES)
    assert by_name(found, "host") == pytest.approx(
        {"a.com": 1 / 4, "x.d.fr": 1 / 4 + 1 / 12, "y.d.fr": 1 / 4 + 1 / 12, "z.d.fr": 1 / 12}
    )
    assert by_name(found, "domain") == pytest.approx({"a.com": 1 / 2, "d.fr": 1 / 2})


def test_seeds_of_a_graph_on_disk(tmp_path: Path) -> None:
    """Names and domains of a stored graph are found as those of a list."""
    graph = open_graph(graph_of(tmp_path / "graph", HOSTS, np.arange(7), np.arange(1, 8)))
    sites = Sites(graph["host"].names, graph["domain"].names, graph["host"].column("domain"))
    seeds = [Seed(name) for name in ("a.com", "d.fr", "y.d.fr", "nowhere.example")]
    stored, plain = sown(seeds, sites, Sowing(), "here"), sown(seeds, SITES, Sowing(), "here")
    for level in ("host", "domain"):
        assert by_name(stored, level) == by_name(plain, level)
    assert (stored.sites, stored.unknown) == (4, 1)


def test_groups_have_equal_mass(tmp_path: Path) -> None:
    """One half per group, divided among its known seeds; a seed of both has a share in each; a lost group has none."""
    text = "a.com,news\nb.com,news\nc.de,science\na.com\tscience\nq.example,art\nr.example,news\n"
    found = seeded(written(tmp_path, text), SITES)
    assert by_name(found, "host") == pytest.approx({"a.com": 1 / 2, "b.com": 1 / 4, "c.de": 1 / 4})
    assert found.groups == {"art": 0, "news": 2, "science": 2}
    assert (found.sites, found.unknown) == (5, 2)


def test_a_language_is_capped_and_the_others_share_the_rest(tmp_path: Path) -> None:
    """English would have 2/3 and is held to 1/2; the other half is divided as the others stood, 1/6 to 1/6."""
    text = "name,language\na.com,en\nb.com,EN\ne.uk,en\nf.io,en\nc.de,de\nx.d.fr,fr\n"
    found = seeded(written(tmp_path, text), SITES)
    eighth = dict.fromkeys(["a.com", "b.com", "e.uk", "f.io"], 1 / 8)
    assert by_name(found, "host") == pytest.approx(eighth | {"c.de": 1 / 4, "x.d.fr": 1 / 4})
    assert found.languages == {"de": 1, "en": 4, "fr": 1}
    assert found.capped == ("en",)
    whole = seeded(tmp_path / "seeds.txt", SITES, Sowing(language_cap=1.0))
    assert list(by_name(whole, "host").values()) == pytest.approx([1 / 6] * 6)
    assert whole.capped == ()


def test_the_cap_goes_before_equal_groups(tmp_path: Path) -> None:
    """Two groups; en has 1/2 + 1/4 = 3/4, held to 1/2, so de has 1/2: the purely English group ends with 1/3."""
    text = "a.com,one,en\nb.com,two,en\nc.de,two,de\n"
    found = seeded(written(tmp_path, text), SITES)
    assert by_name(found, "host") == pytest.approx({"a.com": 1 / 3, "b.com": 1 / 6, "c.de": 1 / 2})


def test_seeds_of_no_language_are_a_language_more(tmp_path: Path) -> None:
    """With two named, the nameless are capped as well; with one named, nothing is capped."""
    text = "a.com,,\nb.com\ne.uk,\nf.io,,\nc.de,,de\nx.d.fr,,fr\n"
    found = seeded(written(tmp_path, text), SITES, Sowing(language_cap=0.4))
    tenth = dict.fromkeys(["a.com", "b.com", "e.uk", "f.io"], 1 / 10)
    assert by_name(found, "host") == pytest.approx(tenth | {"c.de": 3 / 10, "x.d.fr": 3 / 10})
    assert found.languages == {"": 4, "de": 1, "fr": 1}
    one = seeded(written(tmp_path, "a.com\nb.com\nc.de,,de\n"), SITES, Sowing(language_cap=0.4))
    assert list(by_name(one, "host").values()) == pytest.approx([1 / 3] * 3)


def test_a_country_tells_a_language(tmp_path: Path) -> None:
    """Where it is asked for: .de, .fr and .uk name one, .com and .io none, and what the file says goes first."""
    path = written(tmp_path, "a.com\nf.io\nc.de\nx.d.fr,,eu\ne.uk\n")
    assert seeded(path, SITES, Sowing(by_tld=True)).languages == {"": 2, "de": 1, "en": 1, "eu": 1}
    assert seeded(path, SITES).languages == {"": 4, "eu": 1}


def test_one_node_in_several_languages(tmp_path: Path) -> None:
    """The domain of hosts in three languages is one seed that has a third in each."""
    text = "x.d.fr,,fr\ny.d.fr,,en\nz.d.fr,,de\na.com,,en\nb.com,,en\n"
    found = seeded(written(tmp_path, text), SITES, Sowing(language_cap=0.5))
    # en has 1/3 + 1/3 + 1/9 = 7/9, held to 1/2; fr and de have 1/4 each in place of 1/9
    assert by_name(found, "domain") == pytest.approx({"a.com": 3 / 14, "b.com": 3 / 14, "d.fr": 1 / 14 + 1 / 2})


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=9), st.floats(0.01, 1))
def test_no_language_is_above_the_cap(totals: list[float], cap: float) -> None:
    """All is 1, none above the cap (or its equal share), those below stand as before to one another, none has less."""
    before = np.array(totals) / sum(totals)
    after = water(np.array(totals) / sum(totals), cap)
    most = max(cap, 1 / len(totals))
    assert after.sum() == pytest.approx(1)
    assert after.max() <= most * (1 + 1e-9)
    free = after < most * (1 - 1e-9)
    assert np.all(after[free] >= before[free] * (1 - 1e-9))
    factors = after[free] / before[free]
    assert factors == pytest.approx(np.full(len(factors), factors.max(initial=0)))


NAMES = st.sampled_from([*HOSTS, "d.fr", "nowhere.example"])
SEEDS = st.builds(Seed, NAMES, st.sampled_from(["", "g", "h"]), st.sampled_from(["", "en", "de"]))


@given(st.lists(SEEDS, min_size=1, max_size=20))
def test_the_order_of_seeds_and_their_repetition_do_not_matter(seeds: list[Seed]) -> None:
    """A preference is a function of the set of seeds; every known site has some mass at both levels."""
    if all(s.name == "nowhere.example" for s in seeds):
        return
    one, two = (sown(some, SITES, Sowing(), "here") for some in (seeds, [*reversed(seeds), seeds[0]]))
    for level in ("host", "domain"):
        assert by_name(one, level) == by_name(two, level)
    known = {s.name for s in seeds} - {"nowhere.example"}
    assert set(by_name(one, "domain")) == {domain_of(name) for name in known}
    assert set(by_name(one, "host")) >= known - {"d.fr"}


def test_seeds_none_of_which_is_known_are_an_error(tmp_path: Path) -> None:
    """A preference of nothing has no rank; nor has one of a graph without nodes."""
    for text, sites in (("nowhere.example\n10.0.0.1\n", SITES), ("a.com\nb.com\n", sites_of([]))):
        with pytest.raises(InputError, match=r"seeds\.txt: none of its 2 sites is in the graph"):
            seeded(written(tmp_path, text), sites)
    with pytest.raises(InputError, match="none of its 0 sites"):
        seeded(written(tmp_path, "# nothing\n"), SITES)


def test_only_some_unknown_seeds_are_named(tmp_path: Path) -> None:
    """Twenty of them, and how many more."""
    path = written(tmp_path, "a.com\n" + "".join(f"n{i:02}.example\n" for i in range(30)))
    found = seeded(path, SITES)
    assert (found.unknown, len(found.unknown_names), found.unknown_names[0]) == (30, 20, "n00.example")
    assert told(found).endswith("'n19.example' and 10 more")
    assert told(seeded(written(tmp_path, "a.com"), SITES)) == ""


def test_columns_may_be_named(tmp_path: Path) -> None:
    """A header says which column is which; quoted cells are cells."""
    path = written(tmp_path, '"language"\t"name"\nde\t"c.de"\n\ta.com\nfr\tx.d.fr\n')
    assert read_seeds(path) == [Seed("c.de", "", "de"), Seed("a.com"), Seed("x.d.fr", "", "fr")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a.com\nb.com,g,en,x\n", "line 2: 4 columns, not name, group, language"),
        (b"\n\n,g\n", "line 3: no name"),
        (b"name,colour\n", "line 1: a header of"),
        (b"name,name\n", "line 1: a header of"),
        (b'a.com,"g\n', "line 1: cannot be divided"),
        (b"a.com\n\xff\xfe\n", "line 2: no UTF-8"),
        (b"a.com\nb\0.com\n", "line 2: control characters"),
        (b"a.com\r\nb.com\rc.com\n", "line 2: control characters"),
        (b"a" * 5000, "line 1: longer than 4,096 bytes"),
        (b"a.com," + b"g" * 65, "line 1: a group of more than 64 characters"),
    ],
)
def test_a_wrong_line_is_named(text: bytes, reason: str, tmp_path: Path) -> None:
    """File, line and reason, whatever its bytes; so is a file that is not there."""
    with pytest.raises(InputError, match=rf"seeds\.txt, {reason}"):
        read_seeds(written(tmp_path, text))
    with pytest.raises(InputError, match="cannot be read"):
        read_seeds(tmp_path / "absent.txt")


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_are_seeds_or_an_input_error(data: bytes) -> None:
    """Nothing else is raised, whatever the file holds."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(InputError):
        read_seeds(written(Path(folder), data))


def test_quality_is_drawn_to_the_mean_by_few_pages(tmp_path: Path) -> None:
    """Prior (0.9 * 30 + 0.3 * 10 + 0) / 60 = 0.5 and strength 10: a.com 0.8, b.com 0.4, c.de 5 / 30."""
    path = written(tmp_path, "name,quality,pages\na.com,0.9,30\nb.com,0.3,10\nc.de,0,20\nnowhere.example,9,9\n")
    found = measured(path, SITES)
    total = 0.8 + 0.4 + 1 / 6
    expected = {"a.com": 0.8 / total, "b.com": 0.4 / total, "c.de": 1 / 6 / total}
    assert by_name(found, "host") == pytest.approx(expected)
    assert by_name(found, "domain") == pytest.approx(expected)
    assert (found.sites, found.unknown, found.unknown_names) == (4, 1, ("nowhere.example",))


def test_rows_of_one_node_add_up(tmp_path: Path) -> None:
    """Hosts of a domain by their pages; no pages named is one; what stays below 0 is cut off."""
    path = written(tmp_path, "x.d.fr\t0.6\t3\ny.d.fr\t0.2\nz.d.fr\t-9\nwww.a.com\t0.4\na.com\t0.2\t1\n")
    found = measured(path, SITES, Shrinking(strength=0))
    assert by_name(found, "host") == pytest.approx({"x.d.fr": 0.6 / 1.1, "y.d.fr": 0.2 / 1.1, "a.com": 0.3 / 1.1})
    # the domain d.fr: (0.6 * 3 + 0.2 - 9) / 5 is below 0
    assert by_name(found, "domain") == {"a.com": 1.0}
    given_prior = measured(path, SITES, Shrinking(strength=1, prior=10))
    assert by_name(given_prior, "domain")["d.fr"] == pytest.approx((3 / 6) / (3 / 6 + 10.6 / 3))


def test_quality_tables_in_parquet(tmp_path: Path) -> None:
    """Integers and floats, with pages or without; a domain that is no host gives its mass to its hosts."""
    path = tmp_path / "quality.parquet"
    pq.write_table(pa.table({"quality": pa.array([3, 1], pa.int32()), "name": ["d.fr", "a.com"], "more": [1, 2]}), path)
    found = measured(path, SITES, Shrinking(strength=0))
    assert by_name(found, "host") == pytest.approx({"a.com": 1 / 4} | dict.fromkeys(HOSTS[3:6], 1 / 4))
    pq.write_table(pa.table({"name": ["a.com", "b.com"], "quality": [1.0, 0.5], "pages": [1, 0]}), path)
    assert by_name(measured(path, SITES, Shrinking(strength=0)), "host") == {"a.com": 1.0}


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"name": ["a.com"]}, "no columns name and quality"),
        ({"name": ["a.com", "b.com"], "quality": [1.0, None]}, "row 2: quality or pages are no numbers"),
        ({"name": ["a.com"], "quality": [1.0], "pages": [-1]}, "row 1: quality or pages"),
        ({"name": ["a.com"], "quality": ["good"]}, "after row 0"),
        ({"name": ["nowhere.example"], "quality": [1.0]}, "none of its 1 sites is in the graph"),
        ({"name": ["a.com"], "quality": [0.0]}, "no site has a quality above 0"),
    ],
)
def test_a_wrong_quality_table_is_named(columns: dict[str, list[object]], reason: str, tmp_path: Path) -> None:
    """File, row and reason."""
    path = tmp_path / "quality.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputError, match=rf"quality\.parquet.*{reason}"):
        measured(path, SITES)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a.com\n", "line 1: no quality"),
        (b"a.com,good\n", r"line 1: \['good'\] are no numbers"),
        (b"a.com,nan\n", "line 1: quality must be a finite number"),
        (b"a.com,1,-1\n", "line 1: quality must be a finite number"),
        (b"a.com,1,2,3\n", "line 1: 4 columns"),
        (b"PAR1 and nothing more", "after row 0"),
    ],
)
def test_a_wrong_line_of_a_quality_table_is_named(text: bytes, reason: str, tmp_path: Path) -> None:
    """File, line and reason; a cut Parquet file is one of its own kind."""
    with pytest.raises(InputError, match=rf"quality\.csv, {reason}"):
        measured(written(tmp_path, text, "quality.csv"), SITES)


@pytest.mark.parametrize("wrong", [0.0, 1.5, float("nan")])
def test_refuses_a_wrong_cap(wrong: float) -> None:
    """The setting is named."""
    with pytest.raises(SettingError, match="language_cap"):
        Sowing(language_cap=wrong)


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"strength": float("inf")}, {"prior": float("nan")}])
def test_refuses_wrong_shrinking(wrong: dict[str, float]) -> None:
    """Each wrong setting is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Shrinking(**wrong)
