"""What the keys do, and what the words in the titles mean."""

from __future__ import annotations

from krakenwire.tui.cells import Part, left
from krakenwire.tui.panels.frame import Moment, Rows, panel

KEYS = (
    ("↑ ↓, k j, click", "another market"),
    ("d", "more levels of its book: 10, 25, 100, 500, 1000"),
    ("PgUp PgDn, wheel", "scroll the book or the list"),
    ("t  a  h  l", "trades, account, health, log; again: back"),
    ("esc", "back to the markets"),
    ("space, p", "freeze the picture; again: live"),
    ("q, Ctrl-C", "quit; interrupt"),
)

WORDS = (
    ("LIVE", "proven or followed; the age is that of its last word"),
    ("RESYNCING", "it contradicted Kraken and is being taken anew"),
    ("DISPUTED", "wrong after every resync: nobody knows who is right"),
    ("UNVERIFIED", "nothing contradicts it, nothing proves it"),
    ("STALE", "its connection is lost: the numbers are old"),
    ("SILENT", "no heartbeat for seconds: perhaps lost"),
    ("QUIET", "it says nothing although it used to"),
    ("LATE", "what comes is old"),
    ("FROZEN", "you stopped the picture; the feed goes on"),
)


def help_page(width: int, height: int) -> Rows:
    """The page of help."""
    body: list[list[Part]] = [[(" keys", "head")]]
    body += [[(f"   {left(key, 18)} ", "key"), (what, "")] for key, what in KEYS]
    body += [[], [(" words", "head")]]
    body += [[(f"   {left(word, 11)} ", "bold"), (what, "")] for word, what in WORDS]
    body += [
        [],
        [(" ▲ buyer, or up · ▼ seller, or down · ● fresh · ◐ a while ago · ✗ not to be trusted", "dim")],
    ]
    return panel("help", None, body, (width, height), Moment(0.0, 0))
