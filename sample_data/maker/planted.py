"""Pages that a corpus should not keep: a link farm, spam, stuffing, lists made by machine, walls and placeholders.

The farm's hosts link to each other and to their target, and out to well-known sites to look respectable; nobody links
back to them, so a rank by links must leave them low however many links they make among themselves.
"""

# ruff: noqa: E501, SIM905  (each planted text stands on one line, as a text)

from maker.build import label_for, page_capture
from maker.captures import Capture, hashed
from maker.copies import HUBS
from maker.sites import Page, Site, site_name

FARM_HOSTS = tuple(
    f"{name}.example"
    for name in (
        "best-lamps-online",
        "lamp-deals-daily",
        "top-lamp-guide",
        "cheap-lamps-4u",
        "lamp-review-zone",
        "lamps-lamps-lamps",
        "my-lamp-offers",
        "superlampstore",
        "lampfinder-pro",
    )
)
FARM_TARGET = "lamp-offers-best.example"
FARM_PAGES = 5

ADJECTIVES = ("best", "cheap", "top", "new", "discount", "original", "quality", "exclusive", "hot", "verified")
ITEMS = ("desk lamp", "floor lamp", "night lamp", "led lamp", "reading lamp", "garden lamp", "wall lamp", "smart lamp")
PITCHES = (
    "Order {a} {i} today and save {n}%.",
    "Our {a} {i} is {n} times better than the others.",
    "Do not wait, only {n} {i} left in stock!",
    "Customers love the {a} {i}, rated {n} out of {n}.",
    "Free shipping on every {a} {i} this week.",
    "Click here for {a} {i} coupon code SAVE{n}.",
)
SPAM = {
    "spin-bonus-club.example": (
        "bonus",
        ("free spins", "welcome bonus", "jackpot slots", "live roulette", "no deposit bonus"),
    ),
    "pill-depot-now.example": (
        "discount",
        ("cheap pills", "no prescription", "fast delivery", "miracle diet", "secret formula"),
    ),
    "watch-copy-outlet.example": (
        "outlet",
        ("replica watches", "designer bags", "luxury outlet", "factory price", "AAA quality"),
    ),
    "quick-cash-today.example": (
        "loan",
        ("payday loans", "instant approval", "bad credit ok", "cash today", "no questions"),
    ),
}
SPAM_LINES = (
    "CLICK HERE NOW for {0} and {1}!!!",
    "Limited offer!!! {0} {0} {1} 100% guaranteed.",
    "You will not believe this {0}, act now and get {1} for free.",
    "Winner winner!!! Your {0} is waiting, claim {1} before midnight.",
    "{0} | {1} | {2} | best site 2025 | trusted | secure",
    "Doctors and banks hate this one trick: {0} plus {1}.",
    "$$$ {2} $$$ sign up in 30 seconds, {0} paid out today $$$",
)
FOREIGN_SPAM = {
    "zh-Hans": ("点击领取", "注册就送彩金，天天返利，最高{n}倍！加客服领取优惠码，名额有限，先到先得！正规平台，秒提现，信誉第一！"),
    "ru": ("Бонус сейчас", "Жми сюда и забирай бонус {n}% без депозита! Лучшие ставки, быстрый вывод, только сегодня! Регистрация за минуту!"),
    "es": ("Gana ya", "¡Haz clic aquí y gana {n} euros hoy mismo! ¡Oferta limitada, sin riesgo, dinero rápido! ¡Regístrate gratis ahora!"),
}  # fmt: skip
LOREM = (
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna "
    "aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat"
).split()
DATE = "2025-08-20"


def _pick(options: tuple[str, ...], *seed: str) -> str:
    return options[hashed(*seed) % len(options)]


def _pitch(seed: str, number: int) -> str:
    key = f"{seed}{number}"
    line = _pick(PITCHES, "pitch", key)
    return line.format(a=_pick(ADJECTIVES, "a", key), i=_pick(ITEMS, "i", key), n=hashed("n", key) % 80 + 10)


def _capture(site: Site, page: Page, kind: str, **fields: object) -> Capture:
    return page_capture(site, page, label_for(site, kind, **fields))


def _farm_links(at: int, page: int) -> tuple[str, ...]:
    """Four links into the farm, one to the target, one to a respectable site."""
    hosts = [FARM_HOSTS[(at + step) % len(FARM_HOSTS)] for step in (1, 2, 4, 7)]
    inside = [
        f"https://{host}/{_pick(ADJECTIVES, host)}-{(page + n) % FARM_PAGES}.html" for n, host in enumerate(hosts)
    ]
    return (f"https://{FARM_TARGET}/", *inside, f"https://{HUBS[page % len(HUBS)]}/")


def farm() -> list[Capture]:
    """About forty tiny pages on nine hosts, and the shop that all of them push."""
    captures = []
    for at, host in enumerate(FARM_HOSTS):
        friends = tuple(FARM_HOSTS[(at + step) % len(FARM_HOSTS)] for step in (1, 3, 5))
        site = Site(host=host, language="en", template="plain", friends=(FARM_TARGET, *friends), name=site_name(host))
        for number in range(FARM_PAGES if at else FARM_PAGES - 1):
            pitch = " ".join(_pitch(host + str(number), n) for n in range(3))
            path = f"/{_pick(ADJECTIVES, host)}-{number}.html"
            title = f"{_pick(ADJECTIVES, host)} {_pick(ITEMS, host, str(number))}".title()
            page = Page(path=path, title=title, date=DATE, text=pitch, links=_farm_links(at, number))
            captures.append(_capture(site, page, "farm"))
    site = Site(host=FARM_TARGET, language="en", template="shop", friends=FARM_HOSTS[:2], name="Lamp Offers Best")
    text = "\n\n".join(" ".join(_pitch(FARM_TARGET + str(block), n) for n in range(4)) for block in range(3))
    target = Page(path="/", title="Best Lamp Offers", date=DATE, text=text)
    return [*captures, _capture(site, target, "farm", note="the page that the farm pushes")]


def spam() -> list[Capture]:
    """Twelve English pages on four hosts, and one page in each of three other languages."""
    captures = []
    for host, (word, terms) in SPAM.items():
        site = Site(host=host, language="en", template="blog", friends=(HUBS[0],), name=site_name(host))
        others = [other for other in SPAM if other != host]
        for number in range(1, 4):
            lines = []
            for n in range(14):
                turn = hashed(host, str(number), str(n))
                chosen = [terms[(turn + step) % len(terms)] for step in range(3)]
                lines.append(SPAM_LINES[turn // 7 % len(SPAM_LINES)].format(*chosen))
            text = "\n\n".join(" ".join(lines[at : at + 4]) for at in range(0, len(lines), 4))
            link = f"https://{others[number - 1]}/{SPAM[others[number - 1]][0]}-1.html"
            page = Page(
                path=f"/{word}-{number}.html", title=f"{terms[number]} {word}!!!", date=DATE, text=text, links=(link,)
            )
            captures.append(_capture(site, page, "spam"))
    for language, (title, line) in FOREIGN_SPAM.items():
        site = Site(host="spin-bonus-club.example", language=language, template="blog", name="Spin Bonus Club")
        text = "\n\n".join(line.format(n=hashed(language, str(n)) % 900 + 100) for n in range(6))
        page = Page(path=f"/{language.lower()}/bonus.html", title=title, date=DATE, text=text)
        captures.append(_capture(site, page, "spam"))
    return captures


def stuffing() -> list[Capture]:
    """Pages that repeat their keywords in every sentence."""
    site = Site(host="emergency-plumber-near-me.example", language="en", template="news", name="Emergency Plumber")
    captures = []
    for town in ("Northgate", "Southgate", "Eastgate", "Westgate", "Millgate", "Abbeygate"):
        key = f"emergency plumber {town}"
        lines = [
            f"Looking for an {key}? Our {key} service is the best {key} service for everybody who needs an {key}.",
            f"Call the {key} today, because an {key} that is a cheap {key} is the {key} you need.",
            f"When you search {key}, {key} prices, {key} reviews or {key} near me, choose our {key} team.",
            f"{key.title()}, {key} 24 hours, {key} cheap, {key} best, {key} call out, {key} phone number.",
        ]
        text = "\n\n".join(" ".join(lines[(block + n) % 4] for n in range(3)) for block in range(3))
        page = Page(path=f"/{town.lower()}.html", title=f"{key.title()} - {key}", date=DATE, text=text)
        captures.append(_capture(site, page, "stuffing"))
    return captures


def _parts_list(seed: str) -> str:
    rows = []
    for n in range(90):
        draw = hashed(seed, str(n))
        rows.append(f"- PN-{draw % 10**7:07d} | {ITEMS[draw % 8]} | {draw % 97}.{draw % 9}0 | in stock {draw % 300}")
    return "\n".join(rows)


def _phones(seed: str) -> str:
    return "\n".join(
        f"- (555) 01{hashed(seed, str(n)) % 100:02d} ext. {hashed(str(n), seed) % 9000 + 1000}" for n in range(120)
    )


def _numbers(seed: str) -> str:
    rows = [" ".join(str(hashed(seed, str(n), str(c)) % 100_000) for c in range(12)) for n in range(40)]
    return "\n\n".join("\n".join(rows[at : at + 10]) for at in range(0, 40, 10))


def _weather(town: str) -> str:
    draw = hashed("weather", town)
    return (
        f"Weather in {town} today: temperature {draw % 30} degrees, humidity {draw % 60 + 30} percent, wind {draw % 20} km/h. "
        f"The weather in {town} tomorrow will be {('sunny', 'cloudy', 'rainy')[draw % 3]} with {draw % 28 + 2} degrees.\n\n"
        f"Hotels in {town}. Flights to {town}. Restaurants in {town}. Things to do in {town}. Maps of {town}. Jobs in {town}."
    )


def lists() -> list[Capture]:
    """Tables of parts, telephone numbers and figures, and doorway pages filled from a template."""
    parts = Site(host="bulk-part-numbers.example", language="en", template="shop", name="Bulk Part Numbers")
    phones = Site(host="number-lookup-all.example", language="en", template="plain", name="Number Lookup")
    towns = Site(host="weather-every-town.example", language="en", template="news", name="Weather Every Town")
    captures = []
    for n in range(4):
        page = Page(path=f"/list/{n}.html", title=f"Part numbers page {n}", date=DATE, text=_parts_list(f"parts{n}"))
        captures.append(_capture(parts, page, "list", note="product table"))
    for n in range(3):
        page = Page(path=f"/block/{n}.html", title=f"Numbers block {n}", date=DATE, text=_phones(f"phones{n}"))
        captures.append(_capture(phones, page, "list", note="telephone numbers, from the block reserved for fiction"))
    for n in range(2):
        page = Page(path=f"/random/{n}.html", title=f"Random numbers {n}", date=DATE, text=_numbers(f"numbers{n}"))
        captures.append(_capture(phones, page, "list", note="figures"))
    for town in (
        "Aldermoor",
        "Bexcombe",
        "Carrowby",
        "Dunsworth",
        "Elmhythe",
        "Farleigh Cross",
        "Gorsdale",
        "Hexbourne",
    ):
        page = Page(
            path=f"/{town.lower().replace(' ', '-')}.html", title=f"Weather {town}", date=DATE, text=_weather(town)
        )
        captures.append(_capture(towns, page, "doorway", note="one template, filled by machine"))
    return captures


LEGAL = (
    "By using this website you agree to our terms of use, our privacy policy and our cookie policy. "
    "We and our partners store and access information on your device for the purposes listed here. "
    "You may withdraw your consent at any time by changing your preferences. "
    "All product names are the property of their owners. Prices and availability may change without notice."
)


def boilerplate() -> list[Capture]:
    """Pages of one sentence under the same long legal text."""
    captures = []
    rooms = ("hall", "kitchen", "landing", "porch", "attic", "cellar", "study", "pantry", "scullery", "loft")
    for n, room in enumerate(rooms):
        host = ("door-and-frame.example", "shelf-and-hook.example")[n % 2]
        site = Site(host=host, language="en", template="shop", friends=(HUBS[1],), name=site_name(host))
        text = f"Hook for the {room}, sold singly.\n\nTerms of use | Privacy policy | Cookie policy | Sitemap\n\n{LEGAL}\n\nPlease enable JavaScript to see the full page."
        page = Page(path=f"/item/{room}.html", title=f"Hook, {room}", date=DATE, text=text)
        captures.append(_capture(site, page, "boilerplate"))
    return captures


def walls() -> list[Capture]:
    """Login pages, cookie walls, placeholder text, and pages that are mostly code."""
    site = Site(host="members-lounge.example", language="en", template="plain", name="Members Lounge")
    captures = []
    for name in ("forum", "archive", "library"):
        text = f"You must be logged in to view the {name}.\n\nUser name or email address. Password. Remember me. Forgot your password?\n\nNot a member yet? Register now."
        page = Page(path=f"/{name}/login.html", title="Log in", date=DATE, text=text)
        captures.append(_capture(site, page, "login"))
    wall = "We value your privacy. Before you continue we need your consent to store cookies. Accept all. Reject all. Manage preferences.\n\n"
    for name in ("daily-consent", "weekly-consent", "monthly-consent"):
        site = Site(host=f"{name}.example", language="en", template="news", name=site_name(name))
        page = Page(path="/story.html", title="Before you continue", date=DATE, text=wall + LEGAL)
        captures.append(_capture(site, page, "cookie_wall"))
    site = Site(host="theme-preview.example", language="en", declared=False, template="blog", name="Theme Preview")
    for n in range(3):
        words = [LOREM[hashed("lorem", str(n), str(at)) % len(LOREM)] for at in range(160)]
        text = "Lorem ipsum dolor sit amet.\n\n" + "\n\n".join(
            " ".join(words[at : at + 40]).capitalize() + "." for at in range(0, 160, 40)
        )
        page = Page(path=f"/hello-world-{n}/", title="Hello world", date=DATE, text=text)
        captures.append(page_capture(site, page, label_for(site, "lorem", note="placeholder text, no language")))
    return captures + code_pages()


def code_pages() -> list[Capture]:
    """Pages where curly brackets outnumber sentences."""
    site = Site(host="snippet-heap.example", language="en", template="wiki", name="Snippet Heap")
    captures = []
    for n in range(2):
        lines = [
            f"    function step{k}(a) {{ if (a > {hashed('code', str(n), str(k)) % 50}) {{ return a; }} return a + {k}; }}"
            for k in range(30)
        ]
        text = "Functions of the machine, one per line.\n\n" + "\n".join(lines) + "\n\nThe result is { value }."
        page = Page(path=f"/js/{n}.html", title=f"Snippet {n}", date=DATE, text=text)
        captures.append(_capture(site, page, "code"))
    return captures


def planted_captures() -> list[Capture]:
    return farm() + spam() + stuffing() + lists() + boilerplate() + walls()
