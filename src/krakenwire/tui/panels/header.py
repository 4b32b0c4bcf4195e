"""What stands on every screen: which exchange this is, whether all is well, and the keys."""

from __future__ import annotations

from krakenwire.events import ConnectionState
from krakenwire.net.status import ConnectionInfo
from krakenwire.text import share
from krakenwire.tui.board import Board
from krakenwire.tui.cells import DASH, Part, cut, fit, safe, spread
from krakenwire.tui.panels.frame import Hit, Moment, Painted, Rows, clock
from krakenwire.tui.state import SILENT_SECONDS, age_text

KEYS = (
    ("↑↓", "symbol", "down"),
    ("d", "depth", "depth"),
    ("t", "trades", "page:trades"),
    ("a", "account", "page:account"),
    ("h", "health", "page:health"),
    ("l", "log", "page:log"),
    ("space", "freeze", "freeze"),
    ("?", "help", "page:help"),
    ("q", "quit", "quit"),
)
"""Keys, what they do in a word, and the action that a click on them is."""

BACK = ("esc", "back", "page:main")
NEEDED = (
    "quit",
    "page:help",
    "page:main",
    "freeze",
    "down",
    "depth",
    "page:trades",
    "page:health",
    "page:log",
    "page:account",
)
"""Which keys are shown where not all fit, first the one that is needed most."""


DETAIL = 40
"""Cells at most of what stands beside the badge."""

ROOM = {"msg/s": 6, "verified": 9}
"""Cells that figures may need: what stands in the first line does not depend on the digits that they have just now."""


def header(board: Board, width: int, moment: Moment) -> Painted:
    """The first line: badge, connections, rate, proof, gaps, time. What does not fit goes, the badge last."""
    badge = board.badge
    before: list[Part] = [(f" {badge.word} ", f"badge-{badge.word.lower()}"), (" ", "")]
    if moment.frozen_for is not None:
        before += [(f" FROZEN {age_text(moment.frozen_for)} ago ", "frozen"), (" ", "")]
    detail: list[Part] = [(f"{cut(badge.detail, DETAIL)}  ", "bad" if not badge.real else "dim")]
    name: list[Part] = [("krakenwire  ", "title")]
    links = [_link(link) for link in board.links]
    rate = board.rate()
    figures: list[list[Part]] = [
        [(f"  {clock(moment.wall_ns)} UTC ", "")],
        [(f"  verified {_verified(board):<{ROOM['verified']}}", "")],
        [(f"  gaps {board.gaps:,}", "bad" if board.gaps else "")],
        [(f"  {DASH if rate is None else f'{rate:,.0f}':>{ROOM['msg/s']}} msg/s", "")],
    ]
    # Another exchange than Kraken has to be named; a simulated one says enough with its badge.
    named = board.badge.word == "OTHER"
    order = [detail, *links, *figures, name] if named else [*links, *figures[:3], detail, figures[3], name]
    used = _cells(before)
    chosen: list[list[Part]] = []
    for piece in order:
        if used + _cells(piece) <= width:
            used += _cells(piece)
            chosen.append(piece)
    at_left = [*before, *[part for piece in (name, detail, *links) if piece in chosen for part in piece]]
    at_right = [part for piece in reversed(figures) if piece in chosen for part in piece]
    return Painted([fit(spread(at_left, at_right, width), width)], [])


def _cells(parts: list[Part]) -> int:
    return sum(len(text) for text, _ in parts)


def _link(link: ConnectionInfo) -> list[Part]:
    name = safe(link.name.removesuffix("-1"))
    if link.state is ConnectionState.CONNECTED:
        age = link.heard_age or 0.0
        if age <= SILENT_SECONDS:
            return [(f"{name} ", ""), ("●", "live"), (f" {age_text(age)}  ", "")]
        return [(f"{name} ✗ silent {age_text(age)}  ", "bad")]
    if link.state is ConnectionState.IDLE:
        return [(f"{name} idle  ", "dim")]
    again = "" if link.retry_in is None else f", again in {age_text(link.retry_in)}"
    return [(f"{name} ✗ {link.state.value}{again}  ", "bad" if link.connects else "wait")]


def _verified(board: Board) -> str:
    """Share of the time, over all books, up to an hour back."""
    ratio = board.ledger.ratio
    return DASH if ratio is None else share(ratio)


def health_line(board: Board, width: int, moment: Moment) -> Rows:
    """How things are, in one line."""
    words = [market.state("book", moment.now).word for market in board.markets.values()]
    live = words.count("LIVE")
    counts: list[Part] = [(" books ", "head"), (f"{live} live", "live" if live else "")]
    counts += [(f" · {words.count(word)} {word.lower()}", "bad") for word in sorted(set(words) - {"LIVE"})]
    counts += [
        ("   checks ", "head"),
        (f"{board.proven:,} ✓ ", ""),
        (f"{board.failed:,} ✗", "bad" if board.failed else ""),
    ]
    lost = sum(max(0, link.connects - 1) for link in board.links)
    counts += [("   reconnects ", "head"), (f"{lost}", "")]
    last = board.journal.entries[-1] if board.journal.entries else None
    if last is not None:
        style = "dim" if not last.bad else "bad" if last.healed is None else "healed"
        counts += [
            ("   ", ""),
            (f"{clock(board.wall(last.at))} {last.who} {last.words}", style),
        ]
    return [fit(counts, width)]


def footer(width: int, moment: Moment, page: str) -> Painted:
    """The keys; a click on one is the key. Where there is little room, those that are needed most."""
    hint = f" {moment.hint} " if moment.hint else ""
    room = width - len(hint)
    keys = (
        KEYS
        if page in {"main", "trades"}
        else [BACK, *[key for key in KEYS if key[2] not in {"down", "depth"}]]
    )
    if page == "trades":
        keys = [BACK, *KEYS]
    sizes = {key: len(key[0]) + 1 + len(key[1]) for key in keys}
    chosen: list[tuple[str, str, str]] = []
    for key in sorted(keys, key=lambda key: NEEDED.index(key[2])):
        if sum(sizes[each] + 1 for each in (*chosen, key)) <= room:
            chosen.append(key)
    gap = 2 if sum(sizes[key] + 2 for key in chosen) <= room else 1
    parts: list[Part] = []
    hits: list[Hit] = []
    used = 0
    for key in keys:
        if key in chosen:
            parts += [(" " * gap, ""), (key[0], "key"), (f" {key[1]}", "")]
            hits.append(Hit(used + gap, 0, sizes[key], 1, key[2]))
            used += gap + sizes[key]
    return Painted([spread(parts, [(hint, "hint")], width) if hint else fit(parts, width)], hits)
