"""A web of good sites: languages, popularity, taste, forums, directories, platforms, social sinks, templates.

Each site draws a latent quality and a popularity that goes with it loosely; popularity sets how many links it gets, by
a power law. Who links to it is drawn from those that link at all, in proportion to how much they link (a power law of
its own), mostly from the same language, and with taste: a site rarely links to one much worse than itself. Forums and
directories have no taste. Then come what every crawl has: links in templates, on every page of a site, to tools and
social networks; departments below the main host of a domain; blogs on hosting platforms.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.graph_eval.planted import Flags, Floats, Integers, Sketch

LANGUAGES: Final = {
    "en": (0.45, ("com", "com", "com", "org", "net", "co.uk", "io"), "edu"),
    "de": (0.10, ("de", "de", "de", "at", "com"), "de"),
    "ru": (0.08, ("ru", "ru", "com"), "edu.ru"),
    "fr": (0.07, ("fr", "fr", "com", "org"), "fr"),
    "ja": (0.07, ("jp", "co.jp", "com"), "ac.jp"),
    "es": (0.06, ("es", "com.ar", "com.mx", "com"), "es"),
    "zh": (0.05, ("cn", "com.cn", "com"), "edu.cn"),
    "pt": (0.04, ("com.br", "pt", "com"), "edu.br"),
    "it": (0.03, ("it", "it", "com"), "it"),
    "pl": (0.03, ("pl", "com.pl"), "edu.pl"),
    "cs": (0.02, ("cz", "sk"), "cz"),
}
"""Share of sites, suffixes by weight, suffix of institutions."""
PLATFORMS: Final = ("blogspot.com", "github.io", "weebly.com", "wordpress.com", "tumblr.com", "substack.com")
"""The first two are in the Public Suffix List; the others are in corpus/platforms.txt."""
SINKS: Final = ("facebook", "twitter", "youtube", "instagram", "linkedin", "pinterest", "vk", "telegram")
TOOLS: Final = ("blogmaker", "gmetadata", "themeshop", "fontserver", "counter")

ROLES: Final = (
    "site",
    "institution",
    "forum",
    "directory",
    "tenant",
    "department",
    "alias",
    "sink",
    "tool",
    "platform",
)
SITE, INSTITUTION, FORUM, DIRECTORY, TENANT, DEPARTMENT, ALIAS, SINK, TOOL, PLATFORM = range(len(ROLES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """How a web of good sites is made.

    sites: how many, before departments, sinks, tools and platforms. dangling: share of them that link nowhere: not
    crawled, or without outgoing links; popular ones are crawled more. in_exponent, out_exponent: of the power laws
    P(links >= k) ~ k ** (1 - exponent). widest_in, widest_out: most links, per site. within: share of links from the
    same language. merit: correlation of popularity with quality. size: correlation of popularity with how much a site
    links: popular sites have more pages. taste: how fast the chance of a link falls with how much worse the target is,
    per standard deviation. unlinked: share of linking sites that nothing links to. forums, directories, institutions,
    tenants, departments: shares of sites of these roles, or that have them. aliases: share of linking sites with a
    second domain that redirects to them. ugc_nofollow: share of a forum's links that are nofollow or ugc. seed: of all
    draws.
    """

    sites: int = 50_000
    dangling: float = 0.74
    in_exponent: float = 2.05
    out_exponent: float = 2.1
    widest_in: float = 0.08
    widest_out: float = 0.03
    within: float = 0.85
    merit: float = 0.4
    size: float = 0.6
    taste: float = 0.5
    unlinked: float = 0.05
    forums: float = 0.02
    directories: float = 0.001
    institutions: float = 0.02
    tenants: float = 0.06
    departments: float = 0.04
    aliases: float = 0.02
    ugc_nofollow: float = 0.7
    seed: int = 1


def dense(web: Web) -> Web:
    """Return a web like a crawl that follows what it finds: few dangling nodes, ten links and more to a site."""
    return replace(web, sites=web.sites // 3, dangling=0.1, in_exponent=1.6, unlinked=0.02)


def good_web(web: Web | None = None) -> Sketch:
    """Return the sketch of a web of good sites."""
    web = web or Web()
    random = np.random.default_rng([web.seed, 11])
    sketch = Sketch()
    n = web.sites
    shares = np.array([share for share, _, _ in LANGUAGES.values()])
    language = random.choice(len(shares), n, p=shares / shares.sum())
    quality = random.normal(size=n)
    role = roles(web, random)
    quality[role == INSTITUTION] += 1.0
    quality[role == FORUM] -= 0.5
    quality[role == DIRECTORY] -= 1.0
    popularity = web.merit * quality + np.sqrt(1.0 - web.merit**2) * random.normal(size=n)
    popularity[role == INSTITUTION] += 0.7
    linking = linkers(web, popularity, role, random)
    size = np.ceil(random.lognormal(3.0, 1.2, n) * np.sqrt(1.0 + linking))
    sketch.add_nodes(named(language, role, random), language=language, quality=quality, role=role, size=size)
    editorial(sketch, web, popularity, linking, random)
    departments(sketch, web, linking, random)
    aliases(sketch, web, linking, random)
    templates(sketch, linking, random)
    return sketch


def roles(web: Web, random: np.random.Generator) -> Integers:
    """Draw the role of each site."""
    shares = [web.institutions, web.forums, web.directories, web.tenants]
    return random.choice([SITE, INSTITUTION, FORUM, DIRECTORY, TENANT], web.sites, p=[1 - sum(shares), *shares])


def named(language: Integers, role: Integers, random: np.random.Generator) -> list[str]:
    """Return a name for each site: a suffix of its language, or a platform."""
    suffixes = list(LANGUAGES.values())
    draw = random.random(len(language))
    kinds = ("", "uni", "forum", "dir", "")
    names = []
    for i, (lang, kind, u) in enumerate(zip(language.tolist(), role.tolist(), draw.tolist(), strict=True)):
        _, common, institution = suffixes[lang]
        if kind == TENANT:
            suffix = PLATFORMS[int(u * len(PLATFORMS))]
        else:
            suffix = institution if kind == INSTITUTION else common[int(u * len(common))]
        names.append(f"{kinds[kind]}{syllables(i)}.{suffix}")
    return names


def syllables(number: int) -> str:
    """Return a pronounceable label for a number; distinct numbers have distinct labels."""
    consonants, vowels = "bdfgklmnprstvz", "aeiou"
    label = ""
    while True:
        number, digit = divmod(number, 70)
        label += consonants[digit // 5] + vowels[digit % 5]
        if number == 0:
            return label
        number -= 1


def linkers(web: Web, popularity: Floats, role: Integers, random: np.random.Generator) -> Floats:
    """Return how much each site links, 0 for dangling ones: popular sites are crawled, and link, more often."""
    n = len(popularity)
    eager = 0.5 * popularity + random.normal(size=n)
    eager[np.isin(role, (FORUM, DIRECTORY, INSTITUTION))] += 3.0
    links = np.zeros(n)
    chosen = np.argsort(-eager, kind="stable")[: n - int(web.dangling * n)]
    size = web.size * popularity[chosen] + np.sqrt(1.0 - web.size**2) * random.normal(size=len(chosen))
    place = np.argsort(np.argsort(size, kind="stable"), kind="stable")
    links[chosen] = power_law((place + random.random(len(chosen))) / len(chosen), web.out_exponent, web.widest_out * n)
    links[(role == FORUM) & (links > 0)] *= 5.0
    links[(role == DIRECTORY) & (links > 0)] *= 10.0
    return np.minimum(links, web.widest_out * n)


def power_law(u: Floats, exponent: float, most: float) -> Floats:
    """Return the quantiles u of P(k >= x) = x ** (1 - exponent), in whole numbers from 1 to `most`."""
    return np.minimum(np.floor((1.0 - u) ** (-1.0 / (exponent - 1.0))), max(most, 1.0))


def editorial(sketch: Sketch, web: Web, popularity: Floats, linking: Floats, random: np.random.Generator) -> None:
    """Add the links that somebody chose to set."""
    n = len(popularity)
    place = np.argsort(np.argsort(popularity, kind="stable"), kind="stable")
    wanted = power_law((place + random.random(n)) / n, web.in_exponent, web.widest_in * n).astype(np.int64)
    wanted[(linking > 0) & (random.random(n) < web.unlinked)] = 0
    target = np.repeat(np.arange(n), wanted)
    source = drawn_sources(sketch, web, target, linking, random)
    source, target = source[source >= 0], target[source >= 0]
    forum = sketch.node("role")[source] == FORUM
    sketch.add_arcs(
        source,
        target,
        pages=power_law(random.random(len(source)), 2.2, 10_000).astype(np.int64),
        nofollow=random.random(len(source)) < np.where(forum, web.ugc_nofollow, 0.05),
        sponsored=random.random(len(source)) < 0.01,
        everywhere=random.random(len(source)) < 0.03,
    )


def drawn_sources(sketch: Sketch, web: Web, target: Integers, linking: Floats, random: np.random.Generator) -> Integers:
    """Return a source for each target, drawn by how much sites link, by language and taste; -1 where ten draws fail."""
    language, quality, role = (sketch.node(name) for name in ("language", "quality", "role"))
    order = np.argsort(language, kind="stable")
    upto = np.concatenate([[0.0], np.cumsum(linking[order])])
    edges = np.searchsorted(language[order], np.arange(language.max() + 2))
    tasteless = np.isin(role, (FORUM, DIRECTORY))
    source = np.full(len(target), -1)
    waiting = np.arange(len(target))
    for _ in range(10):
        goal = target[waiting]
        inside = random.random(len(goal)) < web.within
        low = np.where(inside, upto[edges[language[goal]]], 0.0)
        high = np.where(inside, upto[edges[language[goal] + 1]], upto[-1])
        at = np.searchsorted(upto, low + random.random(len(goal)) * (high - low), side="right") - 1
        drawn = order[np.minimum(at, len(order) - 1)]
        worse = np.maximum(quality[drawn] - quality[goal], 0.0)
        accepted = (random.random(len(goal)) < np.exp(-web.taste * worse)) | tasteless[drawn]
        accepted &= (linking[drawn] > 0) & (drawn != goal)
        source[waiting[accepted]] = drawn[accepted]
        waiting = waiting[~accepted]
    return source


def departments(sketch: Sketch, web: Web, linking: Floats, random: np.random.Generator) -> None:
    """Give some sites hosts below their own, which carry the main host on every page and get a link themselves."""
    role, language, quality = (sketch.node(name) for name in ("role", "language", "quality"))
    able = np.flatnonzero((role == SITE) | (role == INSTITUTION))
    main = random.choice(able, int(web.departments * len(able)), replace=False)
    main = np.repeat(main, random.geometric(0.4, len(main)))
    names = [f"d{number}.{sketch.names[m]}" for number, m in enumerate(main.tolist())]
    made = sketch.add_nodes(names, language=language[main], quality=quality[main] - 0.3, role=DEPARTMENT)
    crawled = linking[main] > 0
    sketch.add_arcs(made[crawled], main[crawled], everywhere=True)
    sketch.add_arcs(main[crawled], made[crawled], pages=2)
    outside = random.choice(len(linking), len(made), p=linking / linking.sum())
    sketch.add_arcs(outside, made, pages=1)


def aliases(sketch: Sketch, web: Web, linking: Floats, random: np.random.Generator) -> None:
    """Give some sites a second domain of the same owner, which somebody links to as well."""
    main = random.choice(np.flatnonzero(linking > 0), int(web.aliases * (linking > 0).sum()), replace=False)
    names = [f"a{sketch.names[m].partition('.')[0]}.eu" for m in main.tolist()]
    made = sketch.add_nodes(
        names, language=sketch.node("language")[main], quality=sketch.node("quality")[main], role=ALIAS
    )
    sketch.add_arcs(made, main, pages=20, owner=True)
    sketch.add_arcs(main, made, pages=20, owner=True)
    sketch.add_arcs(random.choice(len(linking), len(made), p=linking / linking.sum()), made)


def templates(sketch: Sketch, linking: Floats, random: np.random.Generator) -> None:
    """Add what stands in templates: social networks, tools, the platform below its tenants' pages."""
    linking_nodes = np.flatnonzero(linking > 0)
    for role, names, shares in (
        (SINK, SINKS, (0.3, 0.25, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05)),
        (TOOL, TOOLS, (0.2, 0.15, 0.1, 0.1, 0.05)),
    ):
        made = sketch.add_nodes([f"{name}-{role}.com" for name in names], language=0, quality=0.0, role=role)
        for node, share in zip(made.tolist(), shares, strict=True):
            there = linking_nodes[random.random(len(linking_nodes)) < share]
            on_all, nofollow = random.random(len(there)) < 0.8, random.random(len(there)) < 0.2
            sketch.add_arcs(there, node, everywhere=on_all, nofollow=nofollow)
    made = sketch.add_nodes(list(PLATFORMS), language=0, quality=0.0, role=PLATFORM)
    for node, name in zip(made.tolist(), PLATFORMS, strict=True):
        tenants = linking_nodes[[sketch.names[i].endswith(f".{name}") for i in linking_nodes.tolist()]]
        sketch.add_arcs(tenants, node, everywhere=True)
        sketch.add_arcs(random.choice(linking_nodes, max(len(linking_nodes) // 50, 1), replace=False), node)


def linking_sites(sketch: Sketch) -> NDArray[np.int64]:
    """Return the good sites that link, sinks, tools and platforms left out."""
    source, _ = sketch.arcs()
    role = sketch.node("role")
    found = np.unique(source)
    return found[(role[found] < SINK) & ~sketch.node("spam")[found]]


def of_role(sketch: Sketch, *wanted: int) -> Flags:
    """Say which nodes have one of these roles and are good."""
    return np.isin(sketch.node("role"), wanted) & ~sketch.node("spam")
