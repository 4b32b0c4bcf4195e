"""What becomes of a frame, in a few words; and the table `outcomes.txt` that says it of every recorded frame."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from krakenwire import KrakenV2MessageHandler
from krakenwire import events as ev

Outcome = tuple[str, str]
"""What a line is, and what became of it."""


def frames_of(file: Path) -> list[bytes]:
    """The frames of a file: one a line, or the whole file if it is a `.json`."""
    content = file.read_bytes()
    return [content] if file.suffix == ".json" else [line for line in content.splitlines() if line.strip()]


def outcomes(
    frames: Iterable[bytes], *, parse: Callable[[bytes], Any] | None = None, before: Iterable[bytes] = ()
) -> Iterator[Outcome]:
    """Play frames through a handler, as they are or parsed by `parse` where they can be; what each is and became."""
    got: list[Any] = []
    handler = KrakenV2MessageHandler(clock=lambda: 0.0)
    handler.register_callback("*", got.append)
    for frame in before:
        assert handler.process(frame)
    for frame in frames:
        got.clear()
        given: Any = frame
        if parse is not None:
            try:
                given = parse(frame)
            except ValueError:
                given = frame
        handled = handler.process(given)
        told = Counter(map(phrase, got))
        words = "; ".join(words if count == 1 else f"{count} x {words}" for words, count in told.items())
        yield kind_of(frame), (words or "dropped") if handled else f"not handled, {words}"


def kind_of(frame: bytes) -> str:
    """The channel and type, or the method, of a frame."""
    try:
        value = json.loads(frame)
    except ValueError:
        return "no JSON"
    if not isinstance(value, dict):
        return "no object"
    if "method" in value:
        return f"{value['method']} {'reply' if value.get('success', True) else 'refusal'}"
    return " ".join(filter(None, (value.get("channel", "no v2 frame"), value.get("type"))))


WORDS: dict[type, Callable[[Any], str]] = {
    ev.OrderBookUpdate: lambda event: "verified" if event.verified else "unverified",
    ev.Level3Update: lambda event: "verified" if event.verified else "unverified",
    # Whose order contradicted a book is the business of the recording.
    ev.BookLost: lambda event: "lost: " + re.sub(" '.*'", "", event.reason),
    ev.Gap: lambda event: f"gap: {event.reason.value}",
    ev.FrameRejected: lambda event: f"refused: {event.reason}",
    ev.SchemaDrift: lambda event: f"drift: {event.field}",
    ev.TradeUpdate: lambda event: "trade complete" if event.complete else "trade",
    ev.OHLCUpdate: lambda event: "candle revised" if event.revised else "candle",
    ev.ExecutionUpdate: lambda event: "execution in sequence" if event.in_sequence else "execution",
    ev.BalanceUpdate: lambda event: "balance in sequence" if event.in_sequence else "balance",
}


def phrase(event: Any) -> str:
    """An event in the words of the table, with its proof or the reason."""
    told = WORDS.get(type(event))
    return type(event).__name__ if told is None else told(event)


# ---------------------------------------------------------------- the table

_ROW = re.compile(r"  (?P<lines>\d+(?:-\d+| x)?) +(?P<kind>\S+(?: \S+)*)  +(?P<became>\S.*)")
_UNEASY = re.compile(r"lost|unverified|refused|not handled|Discarded|dropped|gap|Differs|drift")


class Row(Struct, frozen=True):
    """One row of `outcomes.txt`."""

    first: int | None
    """Number of its first line; None if the file is long and lines are only counted."""
    count: int
    kind: str
    raw: str
    floats: str
    """What became of it when the program parsed it with `json.loads`."""
    reason: str

    @property
    def uneasy(self) -> bool:
        """Whether something of the row is no plain success and wants a reason."""
        return _UNEASY.search(self.raw) is not None


def read_table(text: str) -> dict[str, list[Row]]:
    """Every file of the table with its rows."""
    files: dict[str, list[Row]] = {}
    name = ""
    for line in text.splitlines():
        if found := _ROW.fullmatch(line):
            lines, became = found["lines"], found["became"]
            first, _, last = lines.partition("-")
            raw, _, floats = became.partition(" | floats: ")
            long = lines.endswith(" x")
            count = int(lines.removesuffix(" x")) if long else int(last or first) - int(first) + 1
            files[name].append(
                Row(None if long else int(first), count, found["kind"], raw, floats or raw, "")
            )
        elif line.startswith("   "):
            row = files[name].pop()
            files[name].append(replace(row, reason=f"{row.reason} {line.strip()}".strip()))
        elif line and not line.startswith("#"):
            name, _, what = line.partition(": ")
            assert what, f"{name} is not explained"
            files[name] = []
    return files
