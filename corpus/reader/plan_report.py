"""What a run reads of each source, told before it begins.

Per source of the mixture:

    pattern             that its components match
    components          their units, by name: tokens, or with pad sequences; `units` is the sum
    stages              share and sequences in each stage, over all lanes; one stage where the settings name none
    sequences, passes   of the whole run: over all lanes, and of the lane that has the most
    sequences_per_pass  over all lanes, in the first pass
    left_over           units that no lane has in the first pass: with concat tokens, with pad sequences; with best_fit
                        tokens, as many as if no sequence had padding, so at least so many
    dropped             tokens that pad drops of documents that are too long; they are in no unit
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from corpus.reader.passes import Source

if TYPE_CHECKING:
    from corpus.reader.plan import Plan

Taken = Sequence[Mapping[str, int]]
"""By stretch the sequences of each source that a lane has."""


def report_of(plan: "Plan") -> list[dict[str, Any]]:
    """Return the report of a plan, source by source."""
    counts = [plan.taken(lane, plan.steps or 0) for lane in range(plan.lanes)]
    return [line_of(plan, source, counts) for source in plan.sources.values()]


def line_of(plan: "Plan", source: Source, counts: Sequence[Taken]) -> dict[str, Any]:
    """Return a source's part of the report; counts: of each lane."""
    by_lane = [sum(stretch.get(source.name, 0) for stretch in lane) for lane in counts]
    per_pass = source.sequences(1) * plan.lanes
    per_sequence = 1 if plan.settings.packing == "pad" else plan.settings.sequence_length
    return {
        "pattern": source.name,
        "components": plan.components_of(source),
        "units": source.total,
        "stages": stages_of(plan, source, counts),
        "sequences": sum(by_lane),
        "passes": source.passes(max(by_lane)),
        "sequences_per_pass": per_pass,
        "left_over": max(0, source.total - per_pass * per_sequence),
        "dropped": plan.dropped_of(source),
    }


def stages_of(plan: "Plan", source: Source, counts: Sequence[Taken]) -> list[dict[str, Any]]:
    """Return a source's share and sequences in each stage."""
    return [
        {"share": float(stretch.share(source)), "sequences": sum(lane[number].get(source.name, 0) for lane in counts)}
        for number, stretch in enumerate(plan.stretches)
    ]
