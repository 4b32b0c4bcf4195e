"""The text of fault scripts, read. Whatever is wrong is told with its line and its word."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from krakenwire.errors import UsageError, shown
from krakenwire.sim.channels import CHANNELS, ORDER_METHODS, PRIVATE_CHANNELS, Host
from krakenwire.sim.faults.below import JUNK, ODD_FRAMES
from krakenwire.sim.faults.damage import DAMAGES
from krakenwire.sim.faults.statement import (
    FOREVER,
    NO_DATA,
    ON_FRAMES,
    ON_REQUESTS,
    Action,
    At,
    Every,
    Probability,
    Statement,
    Target,
    Trigger,
    Verb,
    When,
)
from krakenwire.sim.raw import End
from krakenwire.wire.enums import PairStatus, SystemStatus

UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_CHANNEL_NAMES = frozenset(CHANNELS) | PRIVATE_CHANNELS | {"instrument"}
_TARGETS = _CHANNEL_NAMES | NO_DATA | {"data", "anything"}
_METHODS = ORDER_METHODS | {"subscribe", "unsubscribe", "ping"}
_KINDS = _METHODS | {"snapshot", "update", "pong", "error"}
_PAIR_FIELDS = ("status", "price_precision", "qty_precision", "price_increment", "qty_min", "cost_precision")
_TIMED = frozenset({Verb.DELAY, Verb.HOLD, Verb.STALL, Verb.LATE})
_LARGEST = 1 << 24
"""Bytes that a script may name at most."""
_WITH_TEXT = frozenset({Verb.REPLACE, Verb.REFUSE})
_ANSWERED = frozenset({Verb.REFUSE_CONNECTS, Verb.REFUSE_HTTP})
_ENDS = tuple(end.value for end in End)
_NAMED: dict[Verb, tuple[str, Iterable[str]]] = {
    Verb.CORRUPT: ("a kind of damage", DAMAGES),
    Verb.STATUS: ("a system status", [status.value for status in SystemStatus]),
    Verb.FRAME: ("a kind of frame", ODD_FRAMES),
    Verb.END: ("a kind of end", _ENDS),
    Verb.BREAK: ("a kind of end", _ENDS),
    Verb.SPOIL_CONNECTS: ("a kind of junk", JUNK),
}
"""Verbs that one word of a list follows."""
_NUMBERED: dict[Verb, tuple[bool, int, int, str]] = {
    Verb.REFUSE_CONNECTS: (True, 100, 599, "an HTTP status"),
    Verb.REFUSE_HTTP: (True, 100, 599, "an HTTP status"),
    Verb.CLOSE: (False, 0, 65535, "a close code"),
    Verb.GOODBYE: (False, 0, 65535, "a close code"),
    Verb.GARBAGE: (False, 1, _LARGEST, "a number of bytes"),
    Verb.SPLIT: (True, 1, _LARGEST, "a number of bytes"),
    Verb.SLOW: (True, 1, _LARGEST, "a number of bytes"),
    Verb.FRAGMENT: (True, 1, _LARGEST, "a number of bytes"),
}
"""Verbs that a number follows, whether it has to, and within which bounds."""
_TWO_WORDS = {"expire": ("what expires", ("tokens",)), "spoil": ("what is spoilt", ("connects",))}


def parse(text: str) -> list[Statement]:
    """The statements of a script.

    Raises: UsageError, which names line and word.
    """
    statements = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            statements.append(_Line(number, stripped).statement())
    return statements


class _Line:
    """One line, word by word."""

    def __init__(self, number: int, line: str) -> None:
        self._number = number
        self._line = line
        self._at = 0

    def statement(self) -> Statement:
        trigger = self._trigger()
        return Statement(trigger, self._action())

    # ---------------------------------------------------------------- words

    def _peek(self) -> str:
        """The next word; empty at the end. The colon after a trigger is a word of its own."""
        rest = self._line[self._at :].lstrip()
        if rest.startswith(":"):
            return ":"
        word = rest.split(None, 1)[0] if rest else ""
        return word.removesuffix(":")

    def _next(self) -> str:
        word = self._peek()
        if word:
            self._at = self._line.index(word, self._at) + len(word)
        return word

    def _if(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._next()
        return True

    def _rest(self) -> str:
        text, self._at = self._line[self._at :].strip(), len(self._line)
        return text

    def _wrong(self, word: str, wanted: str, known: Iterable[str] = ()) -> UsageError:
        near = get_close_matches(word, list(known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        met = f"{shown(word)!r}" if word else "the end"
        return UsageError(f"line {self._number}: {met} where {wanted} was expected{hint}", field="faults")

    def _one_of(self, wanted: str, known: Iterable[str]) -> str:
        word, known = self._next(), list(known)
        if word not in known:
            raise self._wrong(word, f"{wanted} ({', '.join(known)})", known)
        return word

    def _number_word(self, word: str, wanted: str) -> float:
        try:
            value = float(word)
        except ValueError:
            value = -1.0
        if not 0.0 <= value < FOREVER:
            raise self._wrong(word, wanted)
        return value

    def _time(self) -> float:
        word = self._next()
        digits = word.rstrip("abcdefghijklmnopqrstuvwxyz")
        if not digits:
            raise self._wrong(word, "a time such as 12.5 s")
        value = self._number_word(digits, "a time such as 12.5 s")
        unit = word[len(digits) :] or self._next()
        if unit not in UNITS:
            raise self._wrong(unit, f"a unit of time ({', '.join(UNITS)})", UNITS)
        return value * UNITS[unit]

    # ---------------------------------------------------------------- trigger

    def _trigger(self) -> Trigger:
        kind = self._one_of("a trigger", ("at", "every", "when", "probability"))
        trigger: Trigger
        if kind == "at":
            trigger = At(self._time())
        elif kind == "every":
            trigger = Every(self._positive(), *self._window())
        elif kind == "when":
            trigger = When(self._target(), *self._window())
        else:
            trigger = Probability(self._chance(), *self._window())
        if not self._if(":"):
            raise self._wrong(self._peek(), "':' and an action")
        return trigger

    def _positive(self) -> float:
        word, value = self._peek(), self._time()
        if not value:
            raise self._wrong(word, "a time above zero")
        return value

    def _chance(self) -> float:
        word = self._next()
        value = self._number_word(word, "a probability from 0 to 1")
        if value > 1:
            raise self._wrong(word, "a probability from 0 to 1")
        return value

    def _window(self) -> tuple[float, float]:
        start = self._time() if self._if("from") else 0.0
        end = self._time() if self._if("to") else FOREVER
        return start, end

    # ---------------------------------------------------------------- action

    def _action(self) -> Action:
        verbs = list(dict.fromkeys(verb.value.partition(" ")[0] for verb in Verb))
        word = self._one_of("an action", verbs)
        if word == "refuse" and self._peek() in {"connects", "http"}:
            word = f"refuse {self._next()}"
        elif word in _TWO_WORDS:
            word = f"{word} {self._one_of(*_TWO_WORDS[word])}"
        verb = Verb(word)
        seconds = self._time() if verb in _TIMED else None
        words = self._words(verb)
        target = self._target_of(verb)
        if verb in _ANSWERED and self._if("retry"):
            seconds = self._time()
        host = self._one_of("a host", [host.value for host in Host]) if self._if("on") else None
        times, lasts = self._extent(verb)
        text = self._text(verb)
        if self._peek():
            raise self._wrong(self._peek(), "the end of the line")
        return Action(
            verb=verb,
            target=target,
            seconds=seconds,
            words=words,
            host=host,
            times=times,
            lasts=lasts,
            text=text,
        )

    def _words(self, verb: Verb) -> tuple[str, ...]:
        if verb in _NAMED and (verb is not Verb.BREAK or self._peek() in _ENDS):
            return (self._one_of(*_NAMED[verb]),)
        if verb in _NUMBERED:
            needed, least, most, wanted = _NUMBERED[verb]
            given = needed or (self._peek().isdigit() and not self._is_count())
            number = (self._whole(least, most, wanted),) if given else ()
            return (*number, "ping") if verb is Verb.FRAGMENT and self._if("ping") else number
        if verb in {Verb.BYTES, Verb.CROSS}:
            return (self._hexadecimal() if verb is Verb.BYTES else self._symbol(),)
        return self._change() if verb is Verb.PAIR else ()

    def _is_count(self) -> bool:
        """Whether the number that comes next says how many times."""
        return self._line[self._at :].split(None, 2)[1:2] == ["times"]

    def _change(self) -> tuple[str, str, str]:
        symbol, field, value = self._symbol(), self._one_of("a field of a market", _PAIR_FIELDS), self._next()
        if field != "status" and not value.isdigit():
            raise self._wrong(value, "a whole number")
        if field == "status" and not PairStatus(value).known:
            raise self._wrong(value, "a status of a market", [status.value for status in PairStatus])
        return symbol, field, value

    def _hexadecimal(self) -> str:
        word = self._next()
        try:
            bytes.fromhex(word)
        except ValueError:
            word = ""
        if not word:
            raise self._wrong(word, "bytes in hexadecimal, two digits each")
        return word

    def _whole(self, least: int, most: int, wanted: str) -> str:
        word = self._next()
        if not word.isdigit() or not least <= int(word) <= most:
            raise self._wrong(word, f"{wanted} from {least} to {most}")
        return word

    def _symbol(self) -> str:
        word = self._next()
        if "/" not in word:
            raise self._wrong(word, "a symbol such as BTC/USD")
        return word

    def _target_of(self, verb: Verb) -> Target | None:
        if verb in ON_REQUESTS:
            method = self._one_of("a method", sorted(_METHODS))
            channel = self._next() if self._peek() in _CHANNEL_NAMES else "anything"
            return Target(channel, method, self._symbol() if "/" in self._peek() else None)
        return self._target() if verb in ON_FRAMES or verb is Verb.REPEAT else None

    def _target(self) -> Target:
        channel = self._one_of("a target", sorted(_TARGETS))
        symbol: str | None = None
        kind: str | None = None
        while True:
            word = self._peek()
            if "/" in word and symbol is None:
                symbol = self._next()
            elif word in _KINDS and kind is None:
                kind = self._next()
            else:
                return Target(channel, kind, symbol)

    def _extent(self, verb: Verb) -> tuple[int, float | None]:
        times, lasts = 1, None
        if self._peek().isdigit() and verb is not Verb.SEND:
            times = int(self._next())
            if not self._if("times"):
                raise self._wrong(self._peek(), "'times'")
        if self._if("for"):
            lasts = self._time()
        return times, lasts

    def _text(self, verb: Verb) -> str | None:
        if verb is Verb.SEND or self._if("with"):
            return self._rest()
        if verb in _WITH_TEXT:
            raise self._wrong(self._peek(), "'with' and a text")
        return None
