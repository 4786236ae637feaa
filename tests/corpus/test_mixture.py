"""Mixtures: shares to the sequence, passes without repetition, the reader's promises, and what is refused."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from batches import equal, joined, read_all, resumed, stopped
from click.testing import CliRunner
from token_roots import Page, run, stages, text_of, write_pages

from corpus.cli import main as corpus
from corpus.errors import SettingError, ShardError
from corpus.reader import ReaderSettings, Stage, TokenReader, mixture
from corpus.reader.mixtures import VARIANTS, meanings, parse
from corpus.reader.settings_file import save_settings
from corpus.reader.shares import fractions
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


def test_decimal_weights_are_the_numbers_that_are_written() -> None:
    """0.7 and 0.3 are seven to three, not what their doubles are; patterns are in the order of their names."""
    assert fractions({"b": 0.3, "a": 0.7}) == {"a": Fraction(7, 10), "b": Fraction(3, 10)}
    assert list(fractions({"b": 2, "a": 1}).items()) == [("a", Fraction(1, 3)), ("b", Fraction(2, 3))]


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
    shard = {group: reader.document(group, 0)["shard"] for group in {group for group, _, _ in read}}
    central = [n for (group, _, _), n in read.items() if shard[group].startswith("central")]
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


def test_an_epoch_is_as_long_as_the_scarce_part_allows(folder: Path) -> None:
    """One pass of the scarce part, two of it, and with fifty what it takes to read the other part once."""
    ends = {}
    for repeat in (1, 2, 50):
        central, peripheral = TokenReader(folder, reading(repeat=repeat)).plan.report()
        assert central["passes"] <= repeat
        assert abs(central["sequences"] - peripheral["sequences"]) <= 1
        ends[repeat] = central["passes"], peripheral["passes"]
    assert ends[1][0] == pytest.approx(1, abs=0.05)
    assert ends[2][0] == pytest.approx(2, abs=0.05)
    assert ends[50][1] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("packing", ["concat", "best_fit", "pad"])
def test_the_report_is_what_the_reader_reads(folder: Path, packing: str) -> None:
    """Sequences of each source in each stage, as counted in its batches; components and units as the manifest has."""
    stages = (
        Stage(mixture={"*-prose": 0.6, "central-mixed": 0.3, "peripheral-mixed": 0.1}, steps=4),
        Stage(mixture={"central-mixed": 1}, steps=1),
    )
    reader = TokenReader(folder, reading(mixture=None, stages=stages, packing=packing, repeat=2))
    lines = {line["pattern"]: line for line in reader.plan.report()}
    for stage, steps in enumerate((range(4), range(4, 5))):
        counts: Counter[str] = Counter()
        for step in steps:
            counts += Counter({n: shard.partition("/")[0] for n, shard in shards_of(reader, step).items()}.values())
        assert lines["*-prose"]["stages"][stage]["sequences"] == counts["central-prose"] + counts["peripheral-prose"]
        assert lines["central-mixed"]["stages"][stage]["sequences"] == counts["central-mixed"]
    assert [stage["share"] for stage in lines["central-mixed"]["stages"]] == [0.3, 1]
    assert [stage["share"] for stage in lines["*-prose"]["stages"]] == [0.6, 0]
    assert lines["central-mixed"]["sequences"] == sum(stage["sequences"] for stage in lines["central-mixed"]["stages"])
    entries, count = load_manifest(folder).components, "documents" if packing == "pad" else "tokens"
    if packing != "pad":
        names = ("central-prose", "peripheral-prose")
        assert lines["*-prose"]["components"] == {name: entries[name][count] for name in names}
    assert lines["*-prose"]["units"] == sum(lines["*-prose"]["components"].values())


def shards_of(reader: TokenReader, step: int) -> dict[int, str]:
    """Return the shard of each sequence's last document in a batch."""
    return {
        int(one["sequence"]): reader.document(int(one["group"]), int(one["row"]))["shard"]
        for one in reader.references(step)
    }


def test_every_variant_reads_this_grid_and_has_a_meaning(folder: Path) -> None:
    """All six are found by name, read something, and are explained; their bands can have other names."""
    assert list(meanings()) == list(VARIANTS)
    for name in VARIANTS:
        assert TokenReader(folder, reading(mixture=mixture(name))).plan.steps_per_epoch
    assert mixture("quality_authority", central="q4", good="high") == {"*q4-high": 1, "*peripheral-high": 1}
    with pytest.raises(SettingError, match="did you mean one_to_one"):
        mixture("one_to_on")


def told(folder: Path, *words: str) -> dict[str, Any]:
    """Return what `corpus mixture` prints as JSON."""
    size = () if "--reader" in words else ("--sequence-length", "16", "--batch-size", "4")
    done = CliRunner().invoke(corpus, ["mixture", str(folder), *words, *size, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def test_the_command_prints_the_plan_of_the_reader(folder: Path) -> None:
    """A variant by name with its cap on repeats, and weights of one's own: batches, hash and counts are the plan's."""
    for words, mixture_, repeat in (
        (("one_to_one", "--repeat", "3"), mixture("one_to_one"), 3),
        (("--weight", "central-*=3", "--weight", "peripheral-*=1"), {"central-*": 3.0, "peripheral-*": 1.0}, 1),
    ):
        found = told(folder, *words)
        settings = ReaderSettings(sequence_length=16, batch_size=4, mixture=mixture_, repeat=repeat)
        plan = TokenReader(folder, settings).plan
        assert (found["mixture"], found["repeat"]) == (mixture_, repeat)
        assert (found["plan"], found["steps"], found["sources"]) == (plan.hash, plan.steps, plan.report())


def test_the_command_takes_all_settings_of_a_reader(folder: Path, tmp_path: Path) -> None:
    """Stages from the file that a run leaves, in JSON and as a table with a row for each component of each stage."""
    stages = (Stage(mixture={"central-*": 1}, steps=5), Stage(mixture=EVEN, steps=3))
    reader = TokenReader(folder, reading(mixture=None, stages=stages))
    save_settings(tmp_path / "reader.json", reader)
    found = told(folder, "--reader", str(tmp_path / "reader.json"))
    assert (found["plan"], found["steps"]) == (reader.plan.hash, 8)
    assert [source["sequences"] for source in found["sources"]] == [52, 12]
    words = ["mixture", str(folder), "--reader", str(tmp_path / "reader.json")]
    lines = CliRunner(env={"COLUMNS": "120"}).invoke(corpus, words).output.splitlines()
    assert lines[0].strip() == "8 batches"
    assert lines[2].split()[:4] == ["stage", "pattern", "share", "component"]
    cells = [line.split() for line in lines[4:] if line.strip()]
    assert [line[0] for line in cells] == ["1", "central-prose", "2", "central-prose", "2", "peripheral-prose"]
    assert cells[2][:4] == ["2", "central-*", "50.0%", "central-mixed"]


def test_the_command_says_when_counts_are_not_exact(folder: Path) -> None:
    """Three sources with weights of sixteen digits are not; with three they are, and two always."""
    names = ("central-*", "peripheral-mixed", "peripheral-prose")
    size = ["--sequence-length", "16", "--batch-size", "4"]
    for written, count, exact in (
        ("0.3333333333333333", 3, False),
        ("0.333", 3, True),
        ("0.3333333333333333", 2, True),
    ):
        weights = [word for name in names[: count - 1] for word in ("--weight", f"{name}={written}")]
        weights += ["--weight", f"{names[count - 1]}=0.25"]
        assert told(folder, *weights)["exact"] is exact
        printed = CliRunner().invoke(corpus, ["mixture", str(folder), *weights, *size]).output
        assert ("Counts may be a few sequences off" in printed) is not exact


def test_the_command_names_the_variants_and_refuses_others(folder: Path) -> None:
    """Without a name, their list; a wrong one ends with a sentence; a table of one stage has no column for it."""
    assert "quality_authority" in CliRunner().invoke(corpus, ["mixture", str(folder)]).output
    assert CliRunner().invoke(corpus, ["mixture", str(folder), "central-"]).exit_code == 1
    words = ["mixture", str(folder), "one_to_one", "--sequence-length", "16", "--batch-size", "4"]
    table = CliRunner(env={"COLUMNS": "120"}).invoke(corpus, words).output.splitlines()
    assert table[2].split()[:3] == ["pattern", "share", "component"]
    assert table[4].split()[:3] == ["*central-*", "50.0%", "central-mixed"]


@pytest.mark.parametrize("text", ["central", "=2", "a=-1", "a=x", "a=inf"])
def test_weights_that_are_none_are_refused(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(SettingError, match="write PATTERN=W"):
        parse([text])
