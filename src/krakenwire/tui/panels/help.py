"""What the keys do, and what the words in the titles mean."""

from __future__ import annotations

from krakenwire.tui.cells import Part, left
from krakenwire.tui.panels.frame import Moment, Rows, panel, window

KEYS = (
    ("↑ ↓, k j, click", "another market"),
    ("d", "more levels of its book: 10, 25, 100, 500, 1000"),
    ("PgUp PgDn, wheel", "scroll the book, the list or the page"),
    ("t  a  h  l", "trades, account, health, log; again, or esc: back"),
    ("space, p", "freeze the picture; again: live"),
    ("q, Ctrl-C", "quit; interrupt"),
)

WORDS = (
    ("LIVE", "proven or followed; the age is that of its last word"),
    ("WAITING", "nothing came yet"),
    ("RESYNCING", "it contradicted Kraken and is being taken anew"),
    ("DISPUTED", "wrong after every resync: nobody knows who is right"),
    ("UNVERIFIED", "nothing contradicts it, nothing proves it"),
    ("STALE", "its connection is lost: the numbers are old"),
    ("SILENT", "no heartbeat for seconds: perhaps lost"),
    ("QUIET", "it says nothing although there is something to say"),
    ("LATE", "what comes is old"),
    ("REFUSED", "Kraken does not serve it; CLOSED: nobody follows it any more"),
    ("FROZEN", "you stopped the picture; the feed goes on"),
)


def help_page(width: int, height: int, scroll: int = 0) -> Rows:
    """The page of help."""
    return panel("help", None, window(help_body(), (width, height), scroll), (width, height), Moment(0.0, 0))


def help_body() -> list[list[Part]]:
    """Its rows."""
    body: list[list[Part]] = [[(" keys", "head")]]
    body += [[(f"   {left(key, 18)} ", "key"), (what, "")] for key, what in KEYS]
    body += [[], [(" words", "head")]]
    body += [[(f"   {left(word, 11)} ", "bold"), (what, "")] for word, what in WORDS]
    body += [
        [],
        [(" ▲ buyer, up · ▼ seller, down · ● fresh · ◐ a while ago · ✗ not to be trusted", "dim")],
    ]
    return body
