"""`state/ledger.py`: intervals that never overlap, shares that add up, and answers with causes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.errors import UsageError
from krakenwire.state.ledger import PROVABLE, Interval, Ledger, State, Trust, Uncovered

BOOK = ("book", "BTC/USD")


def broken_book() -> Ledger:
    """Wanted from 100, verified 110 to 150 and again from 160; told until 200."""
    ledger = Ledger()
    ledger.open(*BOOK, State.CONNECTED, 100.0)
    ledger.open(*BOOK, State.VERIFIED, 110.0)
    ledger.close(*BOOK, State.VERIFIED, 150.0, cause="checksum")
    ledger.open(*BOOK, State.VERIFIED, 160.0)
    ledger.open(*BOOK, State.VERIFIED, 200.0)
    return ledger


def test_opening_a_state_opens_those_below() -> None:
    """What is verified is delivering, acknowledged, connected and wanted, from the same moment."""
    ledger = Ledger()
    ledger.open(*BOOK, State.VERIFIED, 5.0)
    for state in State:
        assert ledger.intervals(*BOOK, state) == (Interval(5.0),)


def test_closing_a_state_closes_those_above() -> None:
    """A lost acknowledgement ends delivery and proof with its cause, and leaves the connection alone."""
    ledger = Ledger()
    ledger.open(*BOOK, State.VERIFIED, 5.0)
    ledger.close(*BOOK, State.ACKED, 7.0, cause="resync")
    for state in State:
        ended = state.value >= State.ACKED.value
        assert ledger.intervals(*BOOK, state) == (Interval(5.0, 7.0, "resync") if ended else Interval(5.0),)


def test_a_lost_connection_ends_every_subscription_and_no_wish() -> None:
    """`close_all` ends all intervals with the same cause, while the time keeps counting as wanted."""
    ledger = Ledger()
    ledger.open(*BOOK, State.VERIFIED, 0.0)
    ledger.open("trade", "BTC/USD", State.VERIFIED, 0.0)
    ledger.close_all(10.0, "connection lost")
    for channel in ("book", "trade"):
        assert ledger.intervals(channel, "BTC/USD") == (Interval(0.0, 10.0, "connection lost"),)
    assert ledger.verified_time_ratio(20.0) == 0.5


def test_time_no_longer_wanted_does_not_count() -> None:
    """After an unsubscription by the caller, time passes without lowering the verified share."""
    ledger = Ledger()
    ledger.open(*BOOK, State.VERIFIED, 0.0)
    ledger.close(*BOOK, State.WANTED, 10.0, cause="unsubscribed")
    assert ledger.verified_time_ratio(1000.0) == 1.0


def test_an_empty_ledger_has_no_shares() -> None:
    """Nothing wanted is neither good nor bad: None, not zero and not one."""
    ledger = Ledger()
    assert ledger.verified_time_ratio(1.0) is None
    assert ledger.verified_message_ratio() is None
    assert ledger.clean_ratio(1.0) is None
    ledger.close(*BOOK, State.VERIFIED, 1.0, cause="nothing was open")
    assert len(ledger) == 0


@pytest.mark.parametrize("channel", ["ticker", "ohlc", "instrument", "status"])
def test_channels_without_proof_are_never_verified(channel: str) -> None:
    """They deliver and can be clean, yet neither their time nor their messages count as verified."""
    assert channel not in PROVABLE
    ledger = Ledger()
    entry = ledger.open(channel, None, State.VERIFIED, 0.0)
    entry.messages += 1
    entry.verified += 1
    assert ledger.intervals(channel, None, State.VERIFIED) == ()
    assert ledger.intervals(channel, None, State.DELIVERING) == (Interval(0.0),)
    assert ledger.verified_time_ratio(10.0) is None
    assert ledger.verified_message_ratio() is None
    assert ledger.clean_ratio(10.0) == 1.0
    verdict = ledger.trust(channel, None, 0.0, 10.0, now=10.0)
    assert verdict.trust is Trust.UNPROVABLE
    assert not verdict.verified
    assert verdict.uncovered == ()


def test_messages_are_counted_on_the_entry() -> None:
    """The share is verified messages over all of them; one without verdict counts against it."""
    ledger = Ledger()
    entry = ledger.open(*BOOK, State.VERIFIED, 0.0)
    assert ledger.entry(*BOOK) is entry
    entry.messages += 4
    entry.verified += 2
    entry.failed += 1
    assert ledger.verified_message_ratio() == 0.5
    entry.unverified += 5
    assert ledger.verified_message_ratio() == 0.25


def test_clean_counts_each_channel_by_what_it_can_prove() -> None:
    """A delivering book is not clean until it is verified, a delivering ticker is."""
    ledger = Ledger()
    ledger.open(*BOOK, State.DELIVERING, 0.0)
    ledger.open("ticker", "BTC/USD", State.DELIVERING, 0.0)
    assert ledger.clean_ratio(10.0) == 0.5


@pytest.mark.parametrize(
    ("start", "end", "trust", "uncovered"),
    [
        (110.0, 150.0, Trust.VERIFIED, ()),
        (120.0, 130.0, Trust.VERIFIED, ()),
        (160.0, 200.0, Trust.VERIFIED, ()),
        (120.0, 120.0, Trust.VERIFIED, ()),
        (140.0, 170.0, Trust.PARTLY, (Uncovered(150.0, 160.0, "checksum"),)),
        (151.0, 159.0, Trust.UNVERIFIED, (Uncovered(151.0, 159.0, "checksum"),)),
        (155.0, 155.0, Trust.UNVERIFIED, (Uncovered(155.0, 155.0, "checksum"),)),
        (90.0, 120.0, Trust.PARTLY, (Uncovered(90.0, 110.0, "not yet verified"),)),
        (190.0, 300.0, Trust.PARTLY, (Uncovered(200.0, 300.0, "not yet known"),)),
        (250.0, 300.0, Trust.UNVERIFIED, (Uncovered(250.0, 300.0, "not yet known"),)),
    ],
)
def test_trust_names_the_parts_that_are_not_proven(
    start: float, end: float, trust: Trust, uncovered: tuple[Uncovered, ...]
) -> None:
    """Each time asked for is verified throughout, or its uncovered parts are told with their causes."""
    verdict = broken_book().trust(*BOOK, start, end)
    assert (verdict.trust, verdict.uncovered) == (trust, uncovered)
    assert verdict.verified is (trust is Trust.VERIFIED)


def test_trust_reaches_to_the_time_given() -> None:
    """An interval that still lasts is proven up to now, and not beyond."""
    assert broken_book().trust(*BOOK, 190.0, 300.0, now=300.0).verified


def test_trust_in_what_was_never_subscribed_is_unknown() -> None:
    """No entry means no data: the whole time is uncovered."""
    verdict = Ledger().trust(*BOOK, 1.0, 2.0)
    assert verdict.trust is Trust.UNKNOWN
    assert verdict.uncovered == (Uncovered(1.0, 2.0, "not subscribed"),)


def test_a_time_that_ends_before_it_starts_is_a_mistake_of_the_caller() -> None:
    """The wrong question raises; so do bounds that hold nothing."""
    with pytest.raises(UsageError):
        Ledger().trust(*BOOK, 2.0, 1.0)
    with pytest.raises(UsageError):
        Ledger(max_intervals=0)


def test_old_intervals_become_a_total() -> None:
    """Beyond the bound, intervals are forgotten, their seconds are not, and nothing vouches for them."""
    ledger = Ledger(max_intervals=3)
    for number in range(10):
        ledger.open(*BOOK, State.VERIFIED, number * 10.0)
        ledger.close(*BOOK, State.VERIFIED, number * 10.0 + 5.0, cause=f"break {number}")
    assert [interval.cause for interval in ledger.intervals(*BOOK)] == ["break 7", "break 8", "break 9"]
    assert ledger.verified_time_ratio(100.0) == 0.5
    verdict = ledger.trust(*BOOK, 1.0, 4.0)
    assert verdict.trust is Trust.UNVERIFIED
    assert "too long ago" in verdict.uncovered[0].cause
    assert ledger.trust(*BOOK, 71.0, 74.0).verified
    parts = ledger.trust(*BOOK, 61.0, 74.0).uncovered
    assert [(part.start, part.end) for part in parts] == [(61.0, 65.0), (65.0, 70.0)]
    assert parts[1].cause == "break 6"


def test_subscriptions_are_bounded() -> None:
    """A full ledger hands out entries that count nowhere, and tells how often."""
    ledger = Ledger(max_subscriptions=1)
    ledger.open(*BOOK, State.VERIFIED, 0.0)
    other = ledger.open("book", "ETH/USD", State.VERIFIED, 0.0)
    other.messages += 1
    assert (len(ledger), ledger.refused) == (1, 1)
    assert [entry.symbol for entry in ledger.entries()] == ["BTC/USD"]
    assert ledger.verified_message_ratio() is None


steps = st.lists(
    st.tuples(st.booleans(), st.sampled_from(State), st.floats(min_value=0, max_value=1000)), max_size=60
)


@given(steps=steps, limit=st.integers(min_value=1, max_value=100))
def test_intervals_never_overlap_and_times_add_up(steps: list[tuple[bool, State, float]], limit: int) -> None:
    """Whatever is booked, even with a clock that runs backwards, each state is a line of separate intervals.

    A state holds no longer than the one below it, and nothing holds longer than it was wanted.
    """
    ledger = Ledger(max_intervals=limit)
    ledger.open(*BOOK, State.WANTED, 0.0)
    for opening, state, now in steps:
        if opening:
            ledger.open(*BOOK, state, now)
        else:
            ledger.close(*BOOK, state, now, cause="break")
    totals = []
    for state in State:
        kept = ledger.intervals(*BOOK, state)
        assert len(kept) <= limit + 1
        ends = [1000.0 if interval.end is None else interval.end for interval in kept]
        assert all(i.start <= end for i, end in zip(kept, ends, strict=True))
        assert all(end <= later.start for end, later in zip(ends, kept[1:], strict=False))
        line = ledger.entry(*BOOK)[state]
        if not line.forgotten:
            lengths = (end - i.start for i, end in zip(kept, ends, strict=True))
            assert line.total(1000.0) == pytest.approx(sum(lengths))
        totals.append(line.total(1000.0))
    assert all(above <= below + 1e-6 for below, above in pairwise(totals))
    for ratio in (ledger.verified_time_ratio(1000.0), ledger.clean_ratio(1000.0)):
        assert ratio is None or 0.0 <= ratio <= 1.0 + 1e-9


@given(steps=steps, start=st.floats(0, 1000), length=st.floats(0, 1000), limit=st.integers(1, 100))
def test_covered_and_uncovered_make_up_the_time_asked_for(
    steps: list[tuple[bool, State, float]], start: float, length: float, limit: int
) -> None:
    """Uncovered parts lie within the time asked for, in order, and are all that no kept interval covers."""
    ledger = Ledger(max_intervals=limit)
    for opening, state, now in steps:
        if opening:
            ledger.open(*BOOK, state, now)
        else:
            ledger.close(*BOOK, state, now, cause="break")
    end = start + length
    parts = ledger.trust(*BOOK, start, end, now=1000.0).uncovered
    assert all(start <= part.start <= part.end <= end for part in parts)
    assert all(one.end <= other.start for one, other in pairwise(parts))
    proven = 0.0
    for interval in ledger.intervals(*BOOK):
        stop = 1000.0 if interval.end is None else interval.end
        proven += max(0.0, min(stop, end) - max(interval.start, start))
    assert sum(part.end - part.start for part in parts) == pytest.approx(end - start - proven, abs=1e-6)
