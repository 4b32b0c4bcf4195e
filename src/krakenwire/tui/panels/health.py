"""How the client is: connections, channels, proof, gaps, delays."""

from __future__ import annotations

from krakenwire.events import ConnectionState
from krakenwire.net.status import ConnectionInfo
from krakenwire.text import counted, percent, seconds, share
from krakenwire.tui.board import Board, Ledger
from krakenwire.tui.cells import DASH, Part, left, right, safe
from krakenwire.tui.panels.frame import Moment, Rows, panel, window
from krakenwire.tui.state import SILENT_SECONDS, State, age_text

SHARES = (0.5, 0.9, 0.99, 1.0)
NAMES = ("p50", "p90", "p99", "max")
_LOSS = "█▇▆▅▄▃▂▁"


def health(board: Board, width: int, height: int, moment: Moment, *, scrolls: bool = False) -> Rows:
    """The page, or as much of it as fits a panel: what matters most comes first."""
    body = window(health_body(board, width - 2, moment), (width, height), moment.scroll if scrolls else 0)
    return panel("health", State("LIVE", moment.now - board.looked_at), body, (width, height), moment)


def health_body(board: Board, inner: int, moment: Moment) -> list[list[Part]]:
    """All its rows."""
    return [
        *_proof(board, moment, inner),
        [],
        *_connections(board, inner),
        [],
        *_delays(board),
        *_oddities(board),
        [],
        *_channels(board),
    ]


def _proof(board: Board, moment: Moment, inner: int) -> list[list[Part]]:
    words = [market.state("book", moment.now).word for market in board.markets.values()]
    live = words.count("LIVE")
    row: list[Part] = [(" books    ", "head"), (f"{live} live", "live" if live else "")]
    for word in ("RESYNCING", "DISPUTED", "STALE"):
        count = words.count(word)
        row.append((f"   {count} {word.lower()}", "bad" if count else "dim"))
    others = sum(word not in {"LIVE", "RESYNCING", "DISPUTED", "STALE"} for word in words)
    if others:
        row.append((f"   {others} others", "bad"))
    told = board.proven + board.unproven + board.failed
    part = percent(board.proven, told) if told else DASH
    checks: list[Part] = [
        (" checks   ", "head"),
        (f"{board.proven:,} ✓", "live"),
        (f"   {board.failed:,} ✗", "bad" if board.failed else "dim"),
        (f"   {board.unproven:,} unproven", "bad" if board.unproven else "dim"),
        (f"   {part} of messages", ""),
    ]
    return [row, checks, _ledger_bar(board.ledger, inner)]


def _ledger_bar(ledger: Ledger, inner: int) -> list[Part]:
    """The time up to now, each cell as full as books were verified in it."""
    span = ledger.end - ledger.start
    ratio = ledger.ratio
    if ratio is None or span <= 0:
        return [(" ledger   ", "head"), (DASH, "dim")]
    name = "last hour" if span >= 3599 else f"last {seconds(span)}"
    tail = f" verified {share(ratio)}" + (" of the time" if inner > 80 else "")
    room = max(8, min(60, inner - 10 - 17 - len(tail)))
    lost = [0.0] * room
    for start, end in ledger.uncovered:
        for at in range(room):
            low, high = ledger.start + span * at / room, ledger.start + span * (at + 1) / room
            lost[at] += max(0.0, min(end, high) - max(start, low))
    whole = span / room * ledger.books
    parts: list[Part] = [(" ledger   ", "head"), (f"{left(name, 17)}", "")]
    for missing in [value / whole for value in lost]:
        full = missing < 0.002
        char = "█" if full else _LOSS[min(7, max(1, int(missing * 8)))]
        style = "live" if full else "bad"
        if parts[-1][1] == style and len(parts) > 2:
            parts[-1] = (parts[-1][0] + char, style)
        else:
            parts.append((char, style))
    return [*parts, (tail, "")]


def _connections(board: Board, inner: int) -> list[list[Part]]:
    """A table with as many columns as fit; the first ones matter most."""
    width, columns = 0, []
    for name, size in _COLUMNS:
        width += size + 1
        if width <= inner:
            columns.append((name, size))
    rows: list[list[Part]] = [[(" " + left(name, size), "head") for name, size in columns]]
    for link in board.links:
        ok = link.state is ConnectionState.CONNECTED and (link.heard_age or 0.0) <= SILENT_SECONDS
        cells = _cells_of(link)
        row: list[Part] = [
            (" " + left(cells[name], size), ("live" if ok else "bad") if name == "state" else "")
            for name, size in columns
        ]
        rows.append(row)
        if link.state is not ConnectionState.CONNECTED and (link.reason or link.retry_in is not None):
            again = "" if link.retry_in is None else f", again in {age_text(link.retry_in)}"
            rows.append([(f"   {safe(link.reason)}{again}", "bad")])
    return rows


_COLUMNS = (
    ("connection", 10),
    ("state", 12),
    ("heard", 8),
    ("lag", 9),
    ("links", 5),
    ("subs", 5),
    ("up", 10),
    ("req/s", 6),
    ("system", 10),
)


def _cells_of(link: ConnectionInfo) -> dict[str, str]:
    silent = link.state is ConnectionState.CONNECTED and (link.heard_age or 0.0) > SILENT_SECONDS
    good = link.state is ConnectionState.CONNECTED and not silent
    return {
        "connection": safe(link.name),
        "state": f"{'●' if good else '✗'} {'silent' if silent else link.state.value}",
        "heard": DASH if link.heard_age is None else age_text(link.heard_age),
        "lag": DASH if link.lag is None else f"{link.lag * 1000:,.0f} ms",
        "links": str(link.connects),
        "subs": f"{link.subscriptions:,}",
        "up": DASH if link.connected_for is None else seconds(int(link.connected_for)),
        "req/s": f"{link.rate:.1f}",
        "system": safe(link.system or DASH),
    }


def _delays(board: Board) -> list[list[Part]]:
    told = board.delays.percentiles(SHARES)
    row: list[Part] = [(" delay    ", "head")]
    if told is None:
        row.append((DASH, "dim"))
    else:
        row += [(f"{name} {value * 1000:,.1f} ms   ", "") for name, value in zip(NAMES, told, strict=True)]
        row.append(("above the best", "dim"))
    return [row]


def _oddities(board: Board) -> list[list[Part]]:
    counts = board.statistics
    lost = sum(max(0, link.connects - 1) for link in board.links)
    first: list[Part] = [(" breaks   ", "head")]
    for name, value in (
        ("gap", board.gaps),
        ("reconnect", lost),
        ("duplicate", counts.get("duplicate_count", 0)),
        ("error", counts.get("error_count", 0)),
        ("stall", counts.get("stalls", 0)),
    ):
        first.append((f"{counted(value, name)}   ", "bad" if value and name in {"gap", "error"} else ""))
    drifts = [f"{safe(channel)}.{safe(field)}" for channel, field in board.journal.drifts]
    drift = f"{len(drifts)} unknown fields: {', '.join(drifts)}" if drifts else "none: every field is known"
    return [first, [(" drift    ", "head"), (drift, "bad" if drifts else "")]]


def _channels(board: Board) -> list[list[Part]]:
    messages = board.statistics.get("messages_by_channel", {})
    times = board.statistics.get("avg_processing_times", {})
    rows: list[list[Part]] = [[(" channel         messages     msg/s   µs each", "head")]]
    for channel in sorted(messages, key=lambda name: -messages[name]):
        rate = board.rate(channel)
        each = times.get(channel)
        told = DASH if rate is None else f"{rate:,.1f}"
        cost = DASH if each is None else f"{each * 1e6:,.1f}"
        line = f" {left(safe(channel), 12)} {right(f'{messages[channel]:,}', 11)} {right(told, 9)} {right(cost, 9)}"
        rows.append([(line, "")])
    return rows
