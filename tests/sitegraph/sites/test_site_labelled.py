"""Files of labelled sites."""

from pathlib import Path

import numpy as np
import pytest
from site_names import sites_of

from corpus.errors import InputError
from sitegraph.hosts import reverse
from sitegraph.sites.labelled import LEAST, Labels, labelled
from sitegraph.sites.preferences import told

SITES = sites_of(["a.com", "b.com", "x.d.fr", "y.d.fr", *(f"{kind}{i}.net" for kind in "gb" for i in range(LEAST))])
ENOUGH = "".join(f"{kind}{i}.net,{label}\n" for kind, label in (("g", "good"), ("b", "bad")) for i in range(LEAST))
"""Ten of each kind."""


def written(folder: Path, text: str) -> Path:
    """Write a file of labels."""
    path = folder / "labels.txt"
    path.write_text(text)
    return path


def by_name(path: Path, level: str) -> list[tuple[str, bool]]:
    """Return names and labels of SITES at a level, without those of ENOUGH."""
    found: Labels = labelled(path, SITES).by_level[level]  # type: ignore[index]
    names = (SITES.hosts if level == "host" else SITES.domains).names  # type: ignore[attr-defined]
    pairs = [(reverse(names[i]), bool(good)) for i, good in zip(found.ids, found.good, strict=True)]
    return [pair for pair in pairs if not pair[0].endswith(".net")]


def test_a_site_is_its_host_and_its_domain(tmp_path: Path) -> None:
    """A domain that is no host itself is labelled at domain level alone; of two hosts of a domain both labels count."""
    path = written(
        tmp_path, "name,label\nhttps://a.com/x, good\nd.fr,bad\nx.d.fr\tgood\ny.d.fr,GOOD\nnobody.net,bad\n" + ENOUGH
    )
    assert by_name(path, "host") == [("a.com", True), ("x.d.fr", True), ("y.d.fr", True)]
    assert by_name(path, "domain") == [("a.com", True), ("d.fr", False), ("d.fr", True)]
    found = labelled(path, SITES)
    assert (found.sites, found.unknown, found.unknown_names) == (25, 1, ("nobody.net",))
    assert told(found) == "1 of 25 sites are not in the graph: 'nobody.net'"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a.com\n", "line 1: a label of '', not good or bad"),
        ("a.com,good\nb.com,spam\n", "line 2: a label of 'spam', not good or bad"),
        ("a.com,good\nwww.a.com,bad\n", "line 2: 'a.com' is bad here, and was not before"),
        ("a.com,good,en\n", "line 1: 3 columns, not name, label"),
        ("x.net,good\ny.net,bad\n", "of its 2 sites 0 are in the graph; it takes 10 good and 10 bad ones that are"),
        (ENOUGH.replace("g9.net,good", "b.com,bad"), "of its 20 sites 20 are in the graph; it takes 10 good and"),
        ("# nothing\n", "of its 0 sites 0 are in the graph"),
    ],
)
def test_what_is_wrong_in_a_file_is_told(tmp_path: Path, text: str, reason: str) -> None:
    """With its line."""
    with pytest.raises(InputError, match=reason):
        labelled(written(tmp_path, text), SITES)


@pytest.mark.parametrize(("good", "bad", "short"), [(LEAST, LEAST, False), (LEAST, LEAST - 1, True), (0, 99, True)])
def test_some_of_each_kind_are_needed(good: int, bad: int, short: bool) -> None:
    """LEAST of both; how many there are is told."""
    told_of = Labels.of(np.arange(good + bad), np.arange(good + bad) < good).short()
    assert told_of.startswith(f"{good} good and {bad} bad labelled sites are known there") is short
    assert bool(told_of) is short
