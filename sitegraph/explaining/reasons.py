"""An explanation in sentences, one per reason, the plainest first: what a person may be told who asks about a site."""

from collections.abc import Iterator, Sequence
from typing import Final

from sitegraph.explaining.explanation import Explanation, Trail
from sitegraph.explaining.rankedby import RankedBy

APART: Final = 0.25
"""Difference of two percentiles from which it is remarked on."""
MOST: Final = 0.5
"""Share of a rank from which one supporter is said to give most of it."""
FEW: Final = 1.5
"""Supporters within four links, by those within one, up to which they are said to have few of their own."""
ENOUGH: Final = 10
FAR: Final = 10
"""Direct supporters from which that is worth saying, in a level of so many times the nodes that lead to it."""
TELLING: Final = 0.1
"""By how much a sign must move the log-odds that a site is good to be named."""
NAMED: Final = 3
"""Signs named on each side."""
STRAY: Final = 1e-8
"""By how much flows may miss a rank, whose own error is bounded."""


def percent(share: float) -> str:
    """Return a share in percent; what rounding would make nothing of is not nothing."""
    value = 100.0 * share
    if 0.0 < value < 0.005:
        return "under 0.01 %"
    return f"{value:.2f} %" if 0.0 < value < 0.095 else f"{value:.1f} %"


def number(count: int, what: str) -> str:
    """Return a count and what it counts: 1 link, 2 links."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def reasons(found: Explanation) -> tuple[str, ...]:
    """Return the sentences."""
    parts = (standing, taught, sources, concentration, capping, far, discounted, trusted, mass, bad, reach, kind)
    return tuple(sentence for part in parts for sentence in part(found))


def standing(found: Explanation) -> Iterator[str]:
    """Say where it stands by each rank."""
    row, plural = found.row, f"{found.level}s"
    of = row["percentile"]
    if row["position"] is not None and of is not None:
        yield f"It is number {row['position']:,} by PageRank; {percent(of)} of {found.nodes:,} {plural} have no more."
    elif row["pagerank"] is None:
        yield "It has no PageRank: the imported ranks do not know it."
    named = {
        "trust": "trust",
        "robust": "robust rank",
        "truncated": "truncated rank",
        "quality": "the quality of the text that leads to it",
    }
    for column, name in named.items():
        other = row[f"{column}_percentile"]
        if other is not None:
            yield f"By {name}, {percent(other)} have no more{remark(of, other, column)}."


def remark(of: float | None, other: float, column: str) -> str:
    """Return what is to be said of two percentiles that are far apart."""
    if of is None or abs(of - other) < APART:
        return ""
    less = {
        "trust": "popular, but not with trusted sites",
        "robust": "few supporters give most of its PageRank",
        "truncated": "most of its PageRank comes from near, as in a link farm",
    }
    more = {
        "trust": "trusted sites think more of it than others do",
        "robust": "it has many supporters for its PageRank",
        "truncated": "its supporters have supporters of their own",
    }
    why = (less if other < of else more).get(column)
    return f", {'less' if other < of else 'more'} than by PageRank" + (f": {why}" if why else "")


def taught(found: Explanation) -> Iterator[str]:
    """Say how good it is by what labelled sites teach, and what speaks for and against it."""
    if (lesson := found.lesson) is None:
        if found.row["good"] is not None:
            yield f"The chance that it is good, as labelled sites teach, is {percent(found.row['good'])}."
        return
    against = [name for name, moved in lesson.parts if moved <= -TELLING][:NAMED]
    for_it = [name for name, moved in lesson.parts[::-1] if moved >= TELLING][:NAMED]
    speaking = [(against, "against"), (for_it, "for")]
    told = ", ".join(f"{which} it above all {' and '.join(names)}" for names, which in speaking if names)
    yield (
        f"The chance that it is good, as {lesson.sites:,} labelled sites teach, is {percent(lesson.chance)} "
        f"({percent(lesson.low)} to {percent(lesson.high)})" + (f"; speaking {told}." if told else ".")
    )
    if lesson.missing or lesson.beyond:
        yield (
            f"Of the {len(lesson.parts)} signs that this rests on, {lesson.missing} are unknown here, and "
            f"{lesson.beyond} lie beyond those of labelled sites: the chance says less than it seems to."
        )


def sources(found: Explanation) -> Iterator[str]:
    """Say where its PageRank comes from."""
    rank, links = found.row["pagerank"], number(found.links, "link")
    if not rank:
        return
    if not found.links:
        yield f"No {found.level} links to it: it has what every {found.level} is given."
    elif found.from_teleport is not None and found.from_dangling is not None:
        given, lost = percent(found.from_teleport / rank), percent(found.from_dangling / rank)
        yield (
            f"{percent(found.from_links / rank)} of its PageRank came over {links} from "
            f"{number(found.supporters_total, 'supporter')}, {given} is what every {found.level} is given, and {lost} "
            f"its part of what sites without links give back."
        )


def concentration(found: Explanation) -> Iterator[str]:
    """Say how much the largest supporter gives."""
    if not found.supporters:
        return
    first = found.supporters[0]
    whose = f"hosts of one registered domain, {first.name}" if found.level == "host" else f"one site, {first.name}"
    if found.own_domain and first.name == found.domain_name:
        whose = f"hosts of its own registered domain, {first.name}"
    if first.share >= MOST:
        yield f"{percent(first.share)} of its PageRank comes from {whose}."
    else:
        yield f"Its largest supporter, {first.name}, gives {percent(first.share)} of its PageRank."


def capping(found: Explanation) -> Iterator[str]:
    """Say what the cap took."""
    rank, cap = found.row["pagerank"], percent(found.settings["cap"])
    if not rank or found.from_teleport is None or not found.supporters:
        return
    if found.capped:
        yield (
            f"{number(found.capped, 'supporter')} gave more than {cap} of its PageRank; the cap that makes the robust "
            f"rank took {percent(found.taken / rank)} of it."
        )
    else:
        yield f"No supporter gave more than {cap} of its PageRank: the robust rank is no lower."


def far(found: Explanation) -> Iterator[str]:
    """Say how much came from far."""
    rank, came, links = found.row["pagerank"], found.row["truncated"], found.settings["truncate"]
    if rank and came is not None and found.from_teleport is not None:
        yield f"{percent(came / rank)} of its PageRank came over {number(links, 'link')} or more."


def discounted(found: Explanation) -> Iterator[str]:
    """Say which links count nothing or less."""
    for one in found.discounts:
        start = f"{one.links:,} of its {number(found.links, 'link')}"
        if one.nothing:
            yield f"{start} {'counts' if one.links == 1 else 'count'} nothing: {one.reason}."
        else:
            yield f"{start} {'is' if one.links == 1 else 'are'} {one.reason}."


def trusted(found: Explanation) -> Iterator[str]:
    """Say how trusted sites lead to it."""
    trust, trails = found.row["trust"], found.trust
    if trust == 0.0:
        yield "No trusted site leads here: its trust is 0."
    elif trust is not None and trails is not None:
        if not trails:
            yield "It has trust, but all the ways from trusted sites are long, or bring very little each."
        for one in trails:
            if one.own:
                yield f"It is a trusted site itself{in_groups(one)}."
            else:
                yield f"{one.seed}{in_groups(one)} leads here over {way(one)} of its trust."


def in_groups(one: Trail) -> str:
    """Return the groups of a seed in brackets."""
    return f" ({', '.join(one.groups)})" if one.groups else ""


def way(one: Trail) -> str:
    """Return how long a trail is and what it brings."""
    return f"{number(len(one.steps), 'link')}, which brings {percent(one.share)}"


def mass(found: Explanation) -> Iterator[str]:
    """Say what its spam mass means."""
    value, rank = found.row["spam_mass"], found.row["pagerank"]
    if value is None:
        return
    if value < 0.0:
        yield f"Spam mass {value:.2f}: trusted sites explain all of its PageRank, and more; it is close to them."
        return
    times = f"; it has {rank * found.nodes:,.1f} times the mean PageRank" if rank and found.from_teleport else ""
    part = "none of its PageRank is" if value > 0.9999 else f"{percent(value)} of its PageRank is not"
    yield f"Spam mass {value:.2f}: {part} explained by trusted sites{times}."


def bad(found: Explanation) -> Iterator[str]:
    """Say to which bad sites it leads."""
    if found.row["anti_trust"] == 0.0:
        yield "No way leads from it to a known bad site: its anti-trust is 0."
    elif found.anti_trust is not None:
        if not found.anti_trust:
            yield "It has anti-trust, but all the ways to known bad sites are long, or weigh very little each."
        for one in found.anti_trust:
            if one.own:
                yield f"It is one of the known bad sites{in_groups(one)}."
            else:
                yield f"It leads to {one.seed}{in_groups(one)} over {way(one)} of its anti-trust."


def reach(found: Explanation) -> Iterator[str]:
    """Say how many supporters it has at each distance."""
    counts = found.row["supporters"]
    if counts:
        few = counts[0] >= ENOUGH and counts[-1] <= FEW * counts[0] and counts[-1] * FAR < found.nodes
        told = ", ".join(f"{count:,}" for count in counts)
        yield (
            f"Distinct supporters within {', '.join(str(d) for d in range(1, len(counts) + 1))} links: about {told}"
            + ("; few of them have supporters of their own, as in a link farm." if few else ".")
        )


def kind(found: Explanation) -> Iterator[str]:
    """Say what kind of node it is."""
    if found.row["platform"]:
        yield "It is a public suffix or hosting platform: its rank says nothing of the sites below it."


def notes_on(found: Explanation, by: RankedBy, others: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """Return what limits the explanation: unknown settings, other files, imported ranks, flows that do not add up."""
    notes = [
        *more,
        *(f"the table was not made with this file of --{name}" for name in others),
    ]
    rank, crawled = float(found.row["pagerank"] or 0.0), found.from_teleport is not None
    if not by.told:
        notes.append(
            "the table does not say how it was ranked; the defaults of `sitegraph rank` are taken, but for options"
        )
    if by.altered:
        notes.append(
            f"other settings than those of the ranking were given ({', '.join(by.altered)}): flows are not its own"
        )
    if not crawled:
        notes.append(
            f"its PageRank is imported ({found.row['source']}): flows follow this graph's links, and need not add up"
        )
    base = (1.0 - found.settings["damping"]) / found.nodes
    if crawled and (found.from_links > rank + STRAY or (found.from_teleport or 0.0) < 0.999 * base - STRAY):
        notes.append(
            "more flows in than its PageRank: the ranks were made with other weights than these, or from another graph"
        )
    if found.row["trust"] and found.trust is None:
        notes.append("give --seeds, the file of trusted sites, to see how they lead here")
    if found.anti_trust is None and found.row["anti_trust"]:
        notes.append("give --bad, the file of bad sites, to see to which of them it leads")
    return tuple(notes)
