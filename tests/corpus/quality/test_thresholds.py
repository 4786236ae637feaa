"""Rules: what TOML may say, what it may not and how that is told, and verdicts on columns against plain Python."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import HeadwaterError, InputError, SettingError
from corpus.quality.columns import COLUMNS
from corpus.quality.rulefile import load_rules, parse_rules, presets
from corpus.quality.signals import measure
from corpus.quality.thresholds import Quota, Rules, Threshold
from corpus.quality.verdict import components, failures
from corpus.settings import fingerprint

BASIC = """
[thresholds.short]
signal = "words"
min = 50

[thresholds.language]
signal = "language"
values = ["en", "zh"]
null = "drop"

[language.zh.thresholds.short]
min = 30

[language.de.thresholds.short]
off = true
"""


def table(**columns: list[Any]) -> dict[str, pa.Array]:
    return {name: pa.array(values, COLUMNS[name]) for name, values in columns.items()}


def failed(rules: Rules, **columns: list[Any]) -> list[list[str]]:
    masks = failures(table(**columns), rules)
    rows = len(columns["language"])
    return [[name for name, mask in masks.items() if mask[row]] for row in range(rows)]


def test_bounds_values_and_overrides() -> None:
    """Bounds are inclusive; Chinese may be shorter; German is not asked for length but fails the language rule."""
    rules = parse_rules(BASIC)
    assert failed(rules, language=["en", "en", "zh", "zh", "de"], words=[50, 49, 30, 29, 1]) == [
        [], ["short"], [], ["short"], ["language"]
    ]  # fmt: skip


def test_missing_values() -> None:
    """A missing number passes, a missing language is dropped where the rule says so."""
    assert failed(parse_rules(BASIC), language=[None], words=[None]) == [["language"]]


def test_rule_for_some_languages_only() -> None:
    """`languages` limits a rule; `und` stands for documents without a language."""
    rules = parse_rules('[thresholds.t]\nsignal = "words"\nmin = 10\nlanguages = ["en", "und"]')
    assert failed(rules, language=["en", "fr", None], words=[1, 1, 1]) == [["t"], [], ["t"]]
    assert rules.threshold_for("t", "fr") is None
    assert rules.threshold_for("t", None) is not None


def test_refused_values_and_flags() -> None:
    """Values can be refused one by one; a flag is 0 or 1."""
    rules = parse_rules(
        '[thresholds.host]\nsignal = "host"\nrefused = ["spam.example"]\n[thresholds.noai]\nsignal = "noai"\nmax = 0'
    )
    found = failed(rules, language=["en"] * 3, host=["spam.example", "a.example", None], noai=[False, True, None])
    assert found == [["host"], ["noai"], []]


def test_share_stored_in_single_precision_is_at_its_bound() -> None:
    """0.3 as float32 is 0.30000001192..., and still not above a bound of 0.3."""
    rules = parse_rules('[thresholds.t]\nsignal = "duplicate_lines"\nmax = 0.3')
    assert failed(rules, language=["en"] * 3, duplicate_lines=[0.3, 0.3001, float("nan")]) == [[], ["t"], []]


def test_authority_and_cluster_columns() -> None:
    """Thresholds look at what select joins, too."""
    rules = parse_rules(
        '[thresholds.a]\nsignal = "authority_host"\nmin = 0.5\nnull = "drop"\n'
        '[thresholds.c]\nsignal = "cluster_size"\nmax = 100'
    )
    found = failed(rules, language=["en"] * 3, authority_host=[0.5, 0.4, None], cluster_size=[1, 101, 1])
    assert found == [[], ["a", "c"], ["a"]]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["en", "zh", "de", None]), st.none() | st.integers(0, 100)), max_size=30),
    st.integers(0, 50),
    st.integers(50, 100),
    st.booleans(),
)
def test_plain_oracle(rows: list[tuple[str | None, int | None]], low: int, high: int, drop: bool) -> None:
    """Whole columns are judged as one row at a time would be."""
    null = "drop" if drop else "keep"
    rules = parse_rules(
        f'[thresholds.t]\nsignal = "words"\nmin = {low}\nmax = {high}\nnull = "{null}"\n'
        "[language.zh.thresholds.t]\nmin = 0\n[language.de.thresholds.t]\noff = true"
    )
    expected = []
    for language, words in rows:
        bottom = 0 if language == "zh" else low
        bad = drop if words is None else not bottom <= words <= high
        expected.append(["t"] if bad and language != "de" else [])
    assert failed(rules, language=[r[0] for r in rows], words=[r[1] for r in rows]) == expected


COMPONENTS = """
[components]
name = "{language}-{authority}"
languages = ["en", "zh"]

[components.bands.authority]
signal = "authority_host"
cuts = [0.5, 0.9]
names = ["low", "middle", "high"]
null = "unranked"
"""


def test_components() -> None:
    """A value at a cut is in the band above; other languages and unranked hosts have their names."""
    columns = table(language=["en", "zh", "fr", None, "en"], authority_host=[0.9, 0.5, 0.49, None, 1.0])
    assert components(columns, parse_rules(COMPONENTS).components).tolist() == [
        "en-high", "zh-middle", "other-low", "other-unranked", "en-high"
    ]  # fmt: skip


def test_default_component_is_the_language() -> None:
    """Without a table, documents are mixed by language."""
    assert components(table(language=["en", None]), parse_rules("").components).tolist() == ["en", "und"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[thresholds.t]\nsignal = "wrods"\nmin = 1',
            r"thresholds\.t\.signal = 'wrods' .*did you mean 'words'\? expected",
        ),
        ('[thresholds.t]\nsignal = "words"\nmimimum = 1', r"'mimimum' .*expected one of: signal, min, max"),
        ("[tresholds.t]", "did you mean 'thresholds'"),
        ('[thresholds."../x [/red]"]\nsignal = "words"\nmin = 1', "expected letters, digits"),
        ('[thresholds.""]\nsignal = "words"\nmin = 1', "expected letters, digits"),
        ('[thresholds.t]\nsignal = "words"\nmin = nan', "nan bounds nothing"),
        ('[thresholds.t]\nsignal = "words"\nmin = ' + "9" * 5000, "not valid TOML: Exceeds the limit"),
        ('[thresholds.t]\nsignal = "words"\nmin = ' + "9" * 400, "expected int or float"),
        ("a = " + "[" * 100_000, "not valid TOML: maximum recursion depth"),
        ('extends = "fineweb"', "expected a list of presets and files"),
        ("extends = [1]", "expected a list of presets and files"),
        ('expected_kept = ["a", 1]', r"expected \[low, high\]"),
        ('[components]\nname = "../../x"', "it names a folder"),
        ('[components]\nname = ""', "it names a folder"),
        ('[components]\nname = "manifest-{language}"', "it names a folder"),
        ('[components]\nname = "{language:>1000000000}"', "without format"),
        ("[components.bands]\na = 3", r"expected a table \[components\.bands\.a\]"),
        ('[components.bands.a]\nsignal = "words"\ncuts = [nan]\nnames = ["x", "y"]', "expected ascending values"),
        ('[components.bands.a]\nsignal = "words"\ncuts = [1]\nnames = ["x", "y/z"]', "cannot be part of a folder"),
        ('[thresholds.t]\nsignal = "words"', "give min, max or both"),
        ('[thresholds.t]\nsignal = "words"\nmin = 9\nmax = 1', "min = 9 is not valid; expected at most max = 1"),
        ('[thresholds.t]\nsignal = "words"\nmin = "9"', "expected int or float"),
        ('[thresholds.t]\nsignal = "words"\nmin = true', "expected int or float"),
        ('[thresholds.t]\nsignal = "language"\nmin = 1', "text columns take values"),
        ('[thresholds.t]\nsignal = "words"\nvalues = ["a"]', "numeric columns take min or max"),
        ('[thresholds.t]\nsignal = "language"\nvalues = "en"', "expected a list of str"),
        ('[thresholds.t]\nsignal = "words"\nmin = 1\nnull = "maybe"', 'expected "keep" or "drop"'),
        ('[thresholds.duplicate]\nsignal = "words"\nmin = 1', "take another name"),
        ("[thresholds.t]\nmin = 1", "expected a signal"),
        ("thresholds = 3", "expected a table"),
        ("[language.zh.thresholds.nope]\nmin = 1", r"language\.zh\.thresholds = 'nope'"),
        ('extends = ["gophr"]', "cannot read rules"),
        ("expected_kept = [0.5]", r"expected \[low, high\]"),
        ("expected_kept = [0.9, 0.1]", r"expected \[low, high\] with"),
        ('duplicates = "maybe"', 'expected "drop" or "keep"'),
        ('[components]\nname = "{langauge}"', "did you mean 'language'"),
        ('[components]\nname = "{"', "not a template"),
        ('[components.bands.b]\nsignal = "words"\ncuts = [2, 1]\nnames = ["a", "b", "c"]', "expected ascending"),
        ('[components.bands.b]\nsignal = "words"\ncuts = [1]\nnames = ["a"]', "expected 2 names"),
        ('[components.bands.b]\nsignal = "words"\ncuts = [1]', "names is missing"),
        ("= 3", "not valid TOML"),
        ("[authority]\nunknwon = 0.1", "did you mean 'unknown'"),
        ("[authority]\nunknown = 1.5", r"unknown = 1\.5 is not valid; expected a percentile"),
        ("[authority]\nunknown = nan", "expected a percentile"),
        ('[authority]\nunknown = "low"', "expected int or float"),
        ('[thresholds.quota]\nsignal = "words"\nmin = 1', "take another name"),
        ('[quota]\nby = "host"', "documents is missing"),
        ("[quota]\ndocuments = 0", "expected a positive number"),
        ("[quota]\ndocuments = 1.5", "expected int"),
        ('[quota]\ndocuments = 1\nby = "page"', 'expected "host" or "registered_domain"'),
        ('[quota]\ndocuments = 1\norder = "-wrods"', r"quota\.order = 'wrods' .*did you mean 'words'"),
        ('[quota]\ndocuments = 1\norder = "language"', r"quota\.order = 'language'"),
        ('[quota]\ndocuments = 1\norder = "similarity"', r"quota\.order = 'similarity'"),
    ],
)
def test_mistakes_are_told(text: str, message: str) -> None:
    """What is not known or fits badly fails at load, naming the key, the value and what would be valid."""
    with pytest.raises(HeadwaterError, match=message):
        parse_rules(text, "mine.toml")


def test_extending_files_and_presets(tmp_path: Path) -> None:
    """A file changes single fields of what it extends; the order of thresholds is that of the first naming."""
    (tmp_path / "base.toml").write_text('extends = ["gopher"]\n[thresholds.gopher_words]\nmin = 20\n')
    (tmp_path / "mine.toml").write_text(
        'extends = ["base.toml"]\n[thresholds.gopher_bullet_lines]\noff = true\n[thresholds.z]\nsignal = "urls"\n'
        "max = 9"
    )
    rules = load_rules(tmp_path / "mine.toml")
    names = [t.name for t in rules.thresholds]
    assert names == [t.name for t in load_rules("gopher").thresholds] + ["z"]
    assert rules.threshold_for("gopher_words", "en") == Threshold(
        name="gopher_words", signal="words", min=20, max=100_000, null="drop"
    )
    assert rules.threshold_for("gopher_bullet_lines", "en") is None


def test_quota_and_unknown_sites() -> None:
    """Both are tables of their own; without them there is no quota, and an unknown site is null."""
    assert (parse_rules("").quota, parse_rules("").unknown) == (None, None)
    rules = parse_rules('[authority]\nunknown = 0.1\n[quota]\ndocuments = 1000\norder = "-symbols"')
    assert rules.unknown == 0.1
    assert rules.quota == Quota(documents=1000, by="host", order="-symbols")
    assert (rules.quota.column, rules.quota.highest) == ("symbols", False)
    assert (Quota(documents=1, order="trust").column, Quota(documents=1, order="trust").highest) == ("trust", True)
    assert Quota(documents=1).column is None


def test_circle_and_absence(tmp_path: Path) -> None:
    """Files that extend one another, and files that are not there, are told by name."""
    (tmp_path / "a.toml").write_text('extends = ["b.toml"]')
    (tmp_path / "b.toml").write_text('extends = ["a.toml"]')
    with pytest.raises(SettingError, match="in a circle"):
        load_rules(tmp_path / "a.toml")
    with pytest.raises(InputError, match=r"absent\.toml: cannot read rules .* preset: c4, dclm"):
        load_rules(tmp_path / "absent.toml")


def test_published_thresholds() -> None:
    """The presets hold the published numbers."""
    numbers = {(t.name, t.min, t.max) for t in load_rules("gopher").thresholds}
    assert ("gopher_words", 50, 100_000) in numbers
    assert ("gopher_mean_word_length", 3, 10) in numbers
    assert {(f"gopher_top_{n}_gram", None, v) for n, v in ((2, 0.2), (3, 0.18), (4, 0.16))} <= numbers
    later = zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.10), strict=True)
    assert {(f"gopher_duplicate_{n}_gram", None, v) for n, v in later} <= numbers
    fineweb = {t.name: t for t in load_rules("fineweb").thresholds}
    own = ("punctuated_lines", "short_lines", "duplicate_line_characters", "newline_ratio")
    assert [(fineweb[f"fineweb_{n}"].min, fineweb[f"fineweb_{n}"].max) for n in own] == [
        (0.12, None), (None, 0.67), (None, 0.01), (None, 0.3)
    ]  # fmt: skip


GOOD = """The mill stopped turning in the autumn after the old weir gave way, and nobody in the village was surprised.
For years the owner had patched the timbers with whatever came down the river. That winter the water rose twice.

People remember the sound of it more than the sight. A neighbour who kept bees said that her hives hummed all night,
as if they too had heard. In spring a group of students came to measure the banks. They found gravel where the pond had
been, and young willows already standing in it. Since then the river has made its own way, and most people prefer it."""


@pytest.mark.parametrize("preset", sorted(presets()))
def test_presets_keep_prose_and_drop_a_menu(preset: str) -> None:
    """Each preset loads, keeps a page of plain prose and (but for opt_out) drops a menu."""
    rules = load_rules(preset)

    def verdict(text: str) -> list[str]:
        values = {**measure(text, "en"), "language": "en", "language_score": 0.9, "noindex": False, "noai": False}
        return failed(rules, **{name: [values[name]] for name in rules.signals | {"language"}})[0]

    assert verdict(GOOD) == []
    assert bool(verdict("Home\nAbout\nContact\nHome\nAbout\nContact")) == (preset != "opt_out")


def test_rules_have_fingerprints() -> None:
    """A changed bound is another fingerprint; the same text the same one."""
    assert fingerprint(parse_rules(BASIC)) == fingerprint(parse_rules(BASIC))
    assert fingerprint(parse_rules(BASIC)) != fingerprint(parse_rules(BASIC.replace("50", "51")))


def test_no_rows() -> None:
    """An empty row group is judged without complaint."""
    masks = failures(table(language=[], words=[]), parse_rules(BASIC))
    assert [mask.dtype for mask in masks.values()] == [np.bool_, np.bool_]


@pytest.mark.parametrize("code", ["english", "EN", "zh-Hans", "e"])
def test_an_override_for_what_is_no_language_code_is_refused(code: str) -> None:
    """A name that no document's language can equal would be a rule without effect."""
    with pytest.raises(SettingError, match=f"language.{code} = '{code}' is not valid; expected a code"):
        parse_rules(f'extends = ["gopher"]\n[language.{code}.thresholds.gopher_words]\nmin = 1\n')
