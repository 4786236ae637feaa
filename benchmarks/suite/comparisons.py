"""What is compared with what, and run: both sides alternate, the order changes from round to round.

A comparison names a step on each side and what must be true of both. Both sides must have had the same number of
items; `check="same"` demands that they report the same check as well (ids, signatures, counts of records). A comparison
whose sides did not do the same work is an error, not a row.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.suite.side import Place, Side, SideError

Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a comparison: a place, a step there, its options, and those of its uncounted small round."""

    place: Place
    step: str
    options: Options = field(default_factory=dict)
    warm: Options | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Ours beside a peer's. `unit` is what is counted, `target` the ratio wanted, None where none is."""

    name: str
    title: str
    ours: End
    peer: End
    target: float | None = None
    unit: str = "pages"
    check: Literal["same", "none"] = "none"


def compare(comparison: Comparison, rounds: int, core: int) -> dict[str, Any]:
    """Run both ends `rounds` times in turn, each pinned to the same core; returns the figures of every round."""
    ends = {"ours": comparison.ours, "peer": comparison.peer}
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
    with ExitStack() as stack:
        sides = {name: stack.enter_context(Side(end.place, core)) for name, end in ends.items()}
        for name, end in ends.items():
            sides[name].prepare(end.step, end.options, end.warm)
        for number in range(rounds):
            for name in ("ours", "peer") if number % 2 == 0 else ("peer", "ours"):
                found[name].append(sides[name].run(ends[name].step))
                say(f"{comparison.name} {number + 1}/{rounds} {name}", found[name][-1])
    require_same(comparison.name, found, lambda one: one.get("set", one["items"]))
    if comparison.check == "same":
        require_same(comparison.name, found, lambda one: one.get("check"))
    return {
        "title": comparison.title,
        "target": comparison.target,
        "unit": comparison.unit,
        "names": {name: end.place.name for name, end in ends.items()},
        "same": comparison.check == "same",
        **{name: [short(one) for one in rows] for name, rows in found.items()},
    }


def require_same(
    name: str, found: Mapping[str, Sequence[Mapping[str, Any]]], of: Callable[[Mapping[str, Any]], Any]
) -> None:
    """Raise SideError when what is the same in all rounds of both sides, by `of`, is not."""
    checks = [of(one) for rows in found.values() for one in rows]
    if any(check is None or check != checks[0] for check in checks):
        raise SideError(f"{name}: the two sides did not do the same work: {str(checks)[:300]}")


def short(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a round's figures without its check."""
    return {name: value for name, value in one.items() if name != "check"}


def alone(place: Place, step: str, options: Options, rounds: int, core: int, warm: Options | None = None) -> Any:
    """Run a step that has no other end; returns its rounds."""
    with Side(place, core) as side:
        side.prepare(step, options, warm)
        found = []
        for number in range(rounds):
            found.append(side.run(step))
            say(f"{step} {number + 1}/{rounds}", found[-1])
    return [short(one) for one in found]


def once(place: Place, step: str, options: Options, core: int) -> dict[str, Any]:
    """Run a step that prepares something; returns what it says."""
    with Side(place, core) as side:
        side.prepare(step, options)
        return side.run(step)


def say(name: str, one: Mapping[str, Any]) -> None:
    """Tell how the run goes on."""
    each = 1e3 * one["seconds"] / max(1, one["items"]), 1e3 * one["cpu"] / max(1, one["items"])
    print(
        f"  {name}: {one['items']:,} in {one['seconds']:.2f} s, {each[0]:.3f} ms each (CPU {each[1]:.3f})",
        file=sys.stderr,
    )
