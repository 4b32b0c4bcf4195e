"""`sim.faults`: the text of fault scripts, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.errors import UsageError
from krakenwire.sim.faults import (
    DAMAGES,
    Action,
    At,
    Every,
    Probability,
    Statement,
    Target,
    Verb,
    When,
    parse,
)
from krakenwire.sim.faults.below import JUNK, ODD_FRAMES
from krakenwire.sim.faults.statement import FOREVER, ON_FRAMES, ON_REQUESTS, Trigger

TIMES = st.integers(1, 10_000_000).map(lambda ms: ms / 1000)
SYMBOLS = st.sampled_from([None, "BTC/USD", "PEPE/USD"])
TARGETS = st.builds(
    Target,
    st.sampled_from(["anything", "data", "book", "trade", "reply", "status", "heartbeat", "executions"]),
    st.sampled_from([None, "snapshot", "update", "subscribe"]),
    SYMBOLS,
)
REQUESTS = st.builds(
    Target, st.sampled_from(["anything", "book", "level3"]), st.sampled_from(["subscribe", "ping"]), SYMBOLS
)
WINDOWS = st.tuples(st.one_of(st.just(0.0), TIMES), st.one_of(st.just(FOREVER), TIMES))
TEXTS = st.sampled_from(['{"channel":"weather"}', "not JSON: at all", "Exceeded msg rate", ""])
WORDS = {
    Verb.CORRUPT: st.sampled_from(sorted(DAMAGES)).map(lambda name: (name,)),
    Verb.REFUSE_CONNECTS: st.sampled_from([("429",), ("503",)]),
    Verb.REFUSE_HTTP: st.just(("500",)),
    Verb.CLOSE: st.sampled_from([(), ("1012",)]),
    Verb.STATUS: st.sampled_from([("maintenance",), ("cancel_only",)]),
    Verb.PAIR: st.sampled_from([("BTC/USD", "status", "delisted"), ("BTC/USD", "price_precision", "2")]),
    Verb.CROSS: st.just(("BTC/USD",)),
    Verb.SPOIL_CONNECTS: st.sampled_from(sorted(JUNK)).map(lambda name: (name,)),
    Verb.FRAME: st.sampled_from(sorted(ODD_FRAMES)).map(lambda name: (name,)),
    Verb.END: st.sampled_from([("fin",), ("silent",)]),
    Verb.BREAK: st.sampled_from([(), ("rst",)]),
    Verb.GOODBYE: st.sampled_from([(), ("1006",)]),
    Verb.GARBAGE: st.sampled_from([(), ("64",)]),
    Verb.BYTES: st.just(("8100ff",)),
    Verb.SPLIT: st.just(("1",)),
    Verb.SLOW: st.just(("100",)),
    Verb.FRAGMENT: st.sampled_from([("7",), ("7", "ping")]),
}


@st.composite
def actions(draw: st.DrawFn) -> Action:
    verb = draw(st.sampled_from(list(Verb)))
    target = None
    if verb in ON_FRAMES or verb is Verb.REPEAT:
        target = draw(TARGETS)
    elif verb in ON_REQUESTS:
        target = draw(REQUESTS)
    answered = verb in {Verb.REFUSE_CONNECTS, Verb.REFUSE_HTTP}
    waits = verb in {Verb.DELAY, Verb.HOLD, Verb.STALL, Verb.LATE} or (answered and draw(st.booleans()))
    worded = verb in {Verb.REPLACE, Verb.REFUSE, Verb.SEND} or (answered and draw(st.booleans()))
    return Action(
        verb=verb,
        target=target,
        seconds=draw(TIMES) if waits else None,
        words=draw(WORDS.get(verb, st.just(()))),
        host=draw(st.sampled_from([None, "public", "level3"])),
        times=1 if verb is Verb.SEND else draw(st.integers(1, 9)),
        lasts=draw(st.one_of(st.none(), TIMES)),
        text=draw(TEXTS) if worded else None,
    )


TRIGGERS: st.SearchStrategy[Trigger] = st.one_of(
    st.builds(At, TIMES),
    st.builds(lambda seconds, window: Every(seconds, *window), TIMES, WINDOWS),
    st.builds(lambda target, window: When(target, *window), TARGETS, WINDOWS),
    st.builds(
        lambda chance, window: Probability(chance, *window),
        st.integers(0, 10_000).map(lambda n: n / 10_000),
        WINDOWS,
    ),
)


@given(st.lists(st.builds(Statement, TRIGGERS, actions()), max_size=4))
def test_text_and_values_say_the_same(statements: list[Statement]) -> None:
    """Every script that can be built in Python is written as a text that reads back to the same script."""
    assert parse("\n".join(map(str, statements))) == statements


def test_a_script_is_read() -> None:
    """Comments and empty lines say nothing, units may stand apart or not, and an action takes all that follows its verb."""
    script = """
        # what goes wrong
        at 12.3 s: drop book BTC/USD

        every 2min from 500ms to 1 h: hold 3s anything on public for 1.5 s
        when reply subscribe: replace reply 2 times with {"method": "x"}
    """
    assert parse(script) == [
        Statement(At(12.3), Action(verb=Verb.DROP, target=Target("book", None, "BTC/USD"))),
        Statement(
            Every(120.0, 0.5, 3600.0),
            Action(verb=Verb.HOLD, seconds=3.0, target=Target("anything"), host="public", lasts=1.5),
        ),
        Statement(
            When(Target("reply", "subscribe")),
            Action(verb=Verb.REPLACE, target=Target("reply"), times=2, text='{"method": "x"}'),
        ),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("at 3 s: dorp book", "line 1: 'dorp' where an action"),
        ("at 3 s: dorp book", "did you mean 'drop'?"),
        ("\n# c\nat 3 s drop book", "line 3: 'drop' where ':' and an action"),
        ("soon: drop book", "line 1: 'soon' where a trigger"),
        ("at noon: drop book", "line 1: 'noon' where a time"),
        ("at -3 s: drop book", "line 1: '-3' where a time"),
        ("at 3 parsecs: drop book", "line 1: 'parsecs' where a unit of time (ms, s, min, h)"),
        ("every 0 s: drop book", "line 1: '0' where a time above zero"),
        ("probability 1.5: drop book", "line 1: '1.5' where a probability"),
        ("at 3 s: drop boook", "did you mean 'book'?"),
        ("at 3 s: drop", "line 1: the end where a target"),
        ("at 3 s: corrupt colour book", "line 1: 'colour' where a kind of damage"),
        ("at 3 s: close 65536", "line 1: '65536' where a close code from 0 to 65535"),
        ("at 3 s: bytes 8x", "line 1: the end where bytes in hexadecimal"),
        ("at 3 s: frame maskd", "did you mean 'masked'?"),
        ("at 3 s: spoil http", "line 1: 'http' where what is spoilt (connects)"),
        ("at 3 s: slow 0", "line 1: '0' where a number of bytes from 1"),
        ("at 3 s: split book", "line 1: 'book' where a number of bytes"),
        ("at 3 s: status asleep", "line 1: 'asleep' where a system status"),
        ("at 3 s: refuse subscribe book", "line 1: the end where 'with' and a text"),
        ("at 3 s: refuse connects 7", "line 1: '7' where an HTTP status"),
        ("at 3 s: pair BTC/USD status gone", "line 1: 'gone' where a status of a market"),
        ("at 3 s: pair BTC/USD price_precision two", "line 1: 'two' where a whole number"),
        ("at 3 s: pair BTC/USD colour red", "line 1: 'colour' where a field of a market"),
        ("at 3 s: cross BTC", "line 1: 'BTC' where a symbol"),
        ("at 3 s: drop book 3 BTC/USD", "line 1: 'BTC/USD' where 'times'"),
        ("at 3 s: drop book quickly", "line 1: 'quickly' where the end of the line"),
        ("at 3 s: drop book on mars", "line 1: 'mars' where a host (public, private, level3)"),
    ],
)
def test_a_mistake_is_told_with_line_and_word(text: str, said: str) -> None:
    """Whatever is wrong in a script is told with the number of its line and the word that is wrong."""
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert said in str(caught.value)
