"""The clock of a capture."""

from hypothesis import given
from hypothesis import strategies as st

from krakenwire.capture import FileClock
from krakenwire.wire.timestamps import format_ns, parse_ns


def test_starts_at_zero_and_takes_the_largest() -> None:
    """Before the first timestamp it is 0; then it is the largest one seen, and never goes back."""
    clock = FileClock()
    assert clock() == 0.0
    clock.see("2026-11-22T08:00:01.500000Z")
    clock.see("2026-11-22T08:00:00.000000Z")
    assert clock.ns == parse_ns("2026-11-22T08:00:01.500000Z")
    assert clock() == clock.ns / 1e9


def test_first_is_kept() -> None:
    """The first readable timestamp is remembered, even if an earlier one follows."""
    clock = FileClock()
    for text in (None, "", "yesterday", "2026-11-22T08:00:01Z", "2026-11-22T07:00:00Z"):
        clock.see(text)
    assert clock.first_ns == parse_ns("2026-11-22T08:00:01Z")


stamps = st.builds(
    format_ns,
    st.integers(1_790_000_000_000_000_000, 1_790_000_000_000_000_000 + 3 * 10**9),
    st.integers(0, 9),
)
odd = st.one_of(
    st.text(max_size=30),
    st.builds(
        lambda text, at, char: text[:at] + char + text[at + 1 :], stamps, st.integers(0, 30), st.characters()
    ),
    st.builds(lambda text: text[:-1] + "+00:00", stamps),
)


@given(st.lists(st.one_of(st.none(), stamps, odd), max_size=20))
def test_agrees_with_the_parser(texts: list[str | None]) -> None:
    """Whatever it is shown, the short way and the parser of timestamps come to the same largest instant."""
    clock = FileClock()
    read = [ns for ns in map(parse_ns, texts) if ns is not None]
    for text in texts:
        clock.see(text)
    assert clock.ns == max([0, *read])
