"""Mixtures: shares to the token, passes without repetition, the reader's promises, and what is refused."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from batches import equal, joined, read_all, resumed, stopped
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from token_roots import Page, run, stages, text_of, write_pages

from corpus.cli import main as corpus
from corpus.errors import SettingError, ShardError
from corpus.reader import ReaderSettings, Stage, TokenReader, mixture
from corpus.reader.mixtures import VARIANTS, meanings, parse
from corpus.reader.shares import apportion, longest, shares
from corpus.tokens.manifest import load_manifest

NAMES = ("central-mixed", "central-prose", "peripheral-mixed", "peripheral-prose")
EVEN = {"central-*": 1, "peripheral-*": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of four components, a grid: one page of ten is central and prose, four are peripheral and mixed."""
    root = tmp_path_factory.mktemp("mixture")
    kinds = [NAMES[1], NAMES[0], NAMES[0], NAMES[3], NAMES[3], NAMES[3], *[NAMES[2]] * 4]
    made = [Page(number=n, text=text_of(n, 5 + n % 40), component=kinds[n % 10]) for n in range(400)]
    write_pages(root, [made[number::3] for number in range(3)])
    run(stages(root))
    return root / "shards"


def reading(**more: Any) -> ReaderSettings:
    return ReaderSettings(**({"sequence_length": 16, "batch_size": 8, "lanes": 4, "mixture": EVEN} | more))


def test_shares_by_hand() -> None:
    """Two of three parts of 90 and 20 tokens: the scarce one gives 20 at a third, so 60 in all."""
    found = shares({"a": 2, "b*": 1}, {"a": 90, "b1": 5, "b2": 15, "c": 7})
    assert [(s.pattern, s.weight, s.available, s.tokens) for s in found] == [
        ("a", Fraction(2, 3), 90, 40),
        ("b*", Fraction(1, 3), 20, 20),
    ]
    assert found[1].components == {"b1": 5, "b2": 15}
    assert found[1].by_component() == [("b1", 5, 5), ("b2", 15, 15)]
    assert (found[0].passes, found[1].passes) == (40 / 90, 1)


def test_repetition_lets_the_scarce_part_come_again_until_the_rest_is_read() -> None:
    """With two passes 120 tokens; with ten what it takes to read the other part once: 135, of which 45 are scarce."""
    two = shares({"a": 2, "b": 1}, {"a": 90, "b": 20}, 2)
    assert [s.tokens for s in two] == [80, 40]
    ten = shares({"a": 2, "b": 1}, {"a": 90, "b": 20}, 10)
    assert [(s.tokens, s.passes) for s in ten] == [(90, 1), (45, 2.25)]


def test_decimal_weights_are_the_numbers_that_are_written() -> None:
    """0.7 and 0.3 are seven to three, not what their doubles are."""
    assert [s.weight for s in shares({"a": 0.7, "b": 0.3}, {"a": 70, "b": 30})] == [Fraction(7, 10), Fraction(3, 10)]
    assert [s.tokens for s in shares({"a": 0.7, "b": 0.3}, {"a": 70, "b": 30})] == [70, 30]


@given(
    st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 10**6)), min_size=1, max_size=6),
    st.integers(1, 5),
    st.integers(1, 5000),
)
def test_shares_hold_what_they_promise(parts: list[tuple[int, int]], repeat: int, unit: int) -> None:
    """Whole units and one token; each share within a token of its weight and its passes; no longer is possible."""
    names = [f"c{n}" for n in range(len(parts))]
    weights = {name: weight for name, (weight, _) in zip(names, parts, strict=True)}
    sizes = {name: size for name, (_, size) in zip(names, parts, strict=True)}
    found = shares(weights, sizes, repeat, unit)
    total = sum(s.tokens for s in found)
    assert total % unit == 1 % unit
    assert all(abs(s.tokens - s.weight * total) < 1 and s.tokens <= repeat * s.available for s in found)
    most = longest([s.weight for s in found], [s.available for s in found], repeat)
    assert total <= most < total + unit
    assert most == max(n for n in (most, most + 1) if any(n * s.weight <= s.available for s in found)
                       and all(n * s.weight <= repeat * s.available for s in found))  # fmt: skip


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 1000))
def test_apportionment_is_hamiltons(weights: list[int], total: int) -> None:
    """Whole numbers that add up, each the floor or the ceiling of its exact share, larger remainders first."""
    exact = [Fraction(weight * total, sum(weights)) for weight in weights]
    found = apportion([Fraction(weight, sum(weights)) for weight in weights], total)
    assert sum(found) == total
    assert all(0 <= n - int(x) <= 1 for n, x in zip(found, exact, strict=True))
    up = [x - int(x) for n, x in zip(found, exact, strict=True) if n > x]
    down = [x - int(x) for n, x in zip(found, exact, strict=True) if n <= x and x > int(x)]
    assert not up or not down or min(up) >= max(down)


def tokens_by(reader: TokenReader, steps: range) -> Counter[str]:
    """Count the tokens of some batches by component, through the documents that they name."""
    found: Counter[str] = Counter()
    for step in steps:
        for reference in reader.references(step):
            shard = reader.document(int(reference["group"]), int(reference["row"]))["shard"]
            found[shard.partition("/")[0]] += int(reference["tokens"])
    return found


def sequences_by(reader: TokenReader, steps: range) -> Counter[str]:
    """Count the sequences of some batches by the first word of their component; no sequence is of two."""
    found: Counter[str] = Counter()
    for step in steps:
        kinds: dict[int, str] = {}
        for reference in reader.references(step):
            shard = reader.document(int(reference["group"]), int(reference["row"]))["shard"]
            assert kinds.setdefault(int(reference["sequence"]), shard.partition("-")[0]) == shard.partition("-")[0]
        found += Counter(kinds.values())
    return found


def test_central_and_peripheral_come_one_to_one(folder: Path) -> None:
    """In sequences, though there is three times as much peripheral text: in all steps so far, whichever they are."""
    reader = TokenReader(folder, reading(epochs=2))
    sizes = {name: entry["tokens"] for name, entry in load_manifest(folder).components.items()}
    assert sizes["peripheral-mixed"] + sizes["peripheral-prose"] > 2 * (sizes["central-mixed"] + sizes["central-prose"])
    assert reader.plan.steps == 2 * reader.plan.steps_per_epoch > 10
    total: Counter[str] = Counter()
    for step in range(reader.plan.steps):
        total += sequences_by(reader, range(step, step + 1))
        assert abs(total["central"] - total["peripheral"]) <= 2


def test_no_sequence_comes_again_before_all_of_its_source(folder: Path) -> None:
    """Over an epoch of three passes of the scarce part no token of it differs by more than a pass from another."""
    reader = TokenReader(folder, reading(repeat=3))
    read: Counter[tuple[int, int, int]] = Counter()
    for batch in reader:
        for one in batch["documents"]:
            read.update((int(one["group"]), int(one["row"]), int(one["first"]) + k) for k in range(one["tokens"]))
    central = [n for (group, _, _), n in read.items() if reader.document(group, 0)["shard"].startswith("central")]
    told = {line["pattern"]: line for line in reader.plan.report()}
    assert 2 < told["central-*"]["passes"] <= 3
    assert told["peripheral-*"]["passes"] <= 1
    assert max(central) == 3
    assert sum(central) == 16 * told["central-*"]["sequences"]


def test_stages_follow_one_another(folder: Path) -> None:
    """Central only for five batches, then as one to three; the second stage goes on where the first left off."""
    stages = (Stage(mixture={"central-*": 1}, steps=5), Stage(mixture={"central-*": 1, "peripheral-*": 3}, steps=6))
    reader = TokenReader(folder, reading(mixture=None, stages=stages))
    assert reader.plan.steps == 11
    assert sequences_by(reader, range(5)) == {"central": 40}
    later = sequences_by(reader, range(5, 11))
    assert abs(later["central"] - 12) <= 1
    assert later.total() == 48
    seen = Counter(
        (int(one["group"]), int(one["row"]), int(one["first"])) for batch in reader for one in batch["documents"]
    )
    assert max(seen.values()) == 1


def test_stages_that_repeat_too_much_are_refused(folder: Path) -> None:
    """The pattern, how often it would be read, and what to change; raised, the cap lets it pass."""
    stages = (Stage(mixture={"central-*": 1}, steps=100),)
    with pytest.raises(SettingError, match=r"'central-\*' .* would be read \d+\.\d\d times, `repeat` allows 1; lower"):
        TokenReader(folder, reading(mixture=None, stages=stages))
    assert TokenReader(folder, reading(mixture=None, stages=stages, repeat=99)).plan.steps == 100


def test_components_that_no_pattern_matches_are_not_read(folder: Path) -> None:
    """Good text only; and within the components that are named, where both settings are given."""
    reader = TokenReader(folder, reading(mixture=mixture("quality")))
    assert set(tokens_by(reader, range(reader.plan.steps_per_epoch))) == {"central-prose", "peripheral-prose"}
    alone = TokenReader(folder, reading(mixture={"*": 1}, components=("central-mixed",)))
    assert set(tokens_by(alone, range(alone.plan.steps_per_epoch))) == {"central-mixed"}


@pytest.mark.parametrize("world", [1, 2, 4])
def test_world_sizes_and_resume_are_as_without_a_mixture(folder: Path, world: int) -> None:
    """The ranks' batches joined are those of one rank; a state goes on at any world size, across epochs too."""
    chosen = reading(epochs=2, repeat=2)
    whole = read_all(folder, chosen)
    assert equal(joined([read_all(folder, chosen, rank, world) for rank in range(world)]), whole)
    for consumed in (1, len(whole) // 2 + 1):
        state = stopped(folder, chosen, consumed)
        assert equal(resumed(folder, chosen, state, world), whole[consumed:])


def test_the_plan_knows_the_mixture_and_not_how_it_is_written(folder: Path) -> None:
    """Order and scale of the weights change nothing; other weights, repeats or none at all are another plan."""

    def plan(**more: Any) -> str:
        return TokenReader(folder, reading(**more)).plan.hash

    assert plan() == plan(mixture={"peripheral-*": 0.5, "central-*": 0.5})
    others = [plan(mixture={"central-*": 1, "peripheral-*": 2}), plan(repeat=2), plan(mixture=None)]
    assert len({plan(), *others}) == 4
    assert "mixture" not in TokenReader(folder, reading(mixture=None)).plan.fields


def test_a_state_of_another_mixture_is_refused_by_name(folder: Path) -> None:
    """With another one, with one where there was none, and with none where there was one."""
    state = TokenReader(folder, reading()).state_dict()
    plain = TokenReader(folder, reading(mixture=None)).state_dict()
    for settings_, saved in (
        (reading(mixture={"central-*": 1, "peripheral-*": 2}), state),
        (reading(), plain),
        (reading(mixture=None), state),
    ):
        with pytest.raises(ShardError, match=r"The state was saved with mixture = .*, here it is "):
            TokenReader(folder, settings_).load_state_dict(saved)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"mixture": {"fr-*": 1}}, r"mixture = 'fr-\*' .* matches no component; there are: central-mixed, "),
        ({"mixture": {"*-prose": 1, "central-*": 1}}, r"'\*-prose' matches the component 'central-prose' too"),
        ({"mixture": {"central-*": 0}}, "positive weight"),
        ({"mixture": {"central-*": float("nan")}}, "positive weight"),
        ({"mixture": {}}, "positive weight"),
        ({"mixture": None, "repeat": 2}, "repeats parts of a mixture"),
        ({"repeat": 0}, "positive number of passes"),
        (
            {"sequence_length": 10_000},
            r"'central-\*': .* tokens do not fill a sequence of 10000 tokens in each of 4 lanes",
        ),
        ({"mixture": {"central-*": 1e-9, "peripheral-*": 1}}, r"'central-\*' .* less than a sequence"),
        ({"stages": (Stage(mixture={"*": 1}, steps=1),)}, "a mixture, or stages, not both"),
    ],
)
def test_what_cannot_be_mixed_is_refused_before_any_batch(folder: Path, more: dict[str, Any], message: str) -> None:
    """One sentence each, naming the pattern."""
    with pytest.raises((SettingError, ShardError), match=message):
        TokenReader(folder, reading(**more))


def test_an_empty_component_is_refused() -> None:
    """Its share could only be made of nothing."""
    with pytest.raises(SettingError, match="component 'b' is empty"):
        shares({"a": 1, "b": 1}, {"a": 5, "b": 0})


def test_every_variant_reads_this_grid_and_has_a_meaning(folder: Path) -> None:
    """All six are found by name, read something, and are explained; their bands can have other names."""
    assert list(meanings()) == list(VARIANTS)
    for name in VARIANTS:
        assert TokenReader(folder, reading(mixture=mixture(name))).plan.steps_per_epoch
    assert mixture("quality_authority", central="q4", good="high") == {"*q4-high": 1, "*peripheral-high": 1}
    with pytest.raises(SettingError, match="did you mean one_to_one"):
        mixture("one_to_on")


def test_the_command_prints_what_a_mixture_reads(folder: Path) -> None:
    """Weights and tokens as JSON, a table, weights of one's own, and the list of variants."""
    done = CliRunner().invoke(corpus, ["mixture", str(folder), "one_to_one", "--json"])
    told = json.loads(done.output)
    assert told["mixture"] == mixture("one_to_one")
    central, peripheral = told["shares"]
    assert central["read"] == central["tokens"] == sum(part["tokens"] for part in central["components"])
    assert (central["share"], central["passes"], central["read"]) == (0.5, 1, peripheral["read"])
    table = CliRunner().invoke(corpus, ["mixture", str(folder), "one_to_one"]).output
    assert "central-prose" in table
    assert "50.0%" in table
    own = CliRunner().invoke(corpus, ["mixture", str(folder), "--weight", "central-*=3", "--json"])
    assert json.loads(own.output)["mixture"] == {"central-*": 3.0}
    assert "quality_authority" in CliRunner().invoke(corpus, ["mixture", str(folder)]).output
    assert CliRunner().invoke(corpus, ["mixture", str(folder), "central-"]).exit_code == 1


@pytest.mark.parametrize("text", ["central", "=2", "a=-1", "a=x", "a=inf"])
def test_weights_that_are_none_are_refused(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(SettingError, match="write PATTERN=W"):
        parse([text])
