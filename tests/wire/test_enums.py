"""`wire/enums.py`: every enumeration is open, and an unknown member behaves like its text."""

from __future__ import annotations

import copy
import inspect
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.wire import enums
from krakenwire.wire.enums import Channel, Method, OpenEnum, ReportedTimeInForce, Side, TimeInForce

ALL = [
    kind
    for _, kind in inspect.getmembers(enums, inspect.isclass)
    if issubclass(kind, OpenEnum) and kind is not OpenEnum
]


def test_all_are_found() -> None:
    """The tests below run over every enumeration of the module."""
    assert len(ALL) == 33


@pytest.mark.parametrize("kind", ALL)
def test_known_members(kind: type[OpenEnum]) -> None:
    """A documented value is its own text, known, unique, and named after the value."""
    for member in kind:
        assert member.known
        assert kind(str(member)) is member
        assert msgspec.json.decode(msgspec.json.encode(member), type=kind) is member
    if kind.__name__ != "LiquidityIndicator":
        assert [member.name for member in kind] == [member.upper().replace("-", "_") for member in kind]


@pytest.mark.fault("J6")
@pytest.mark.parametrize("kind", ALL)
def test_unknown_members(kind: type[OpenEnum]) -> None:
    """A text that is not documented becomes a member that keeps it and says it is unknown."""
    member = msgspec.json.decode(b'"brand-new"', type=kind)
    assert isinstance(member, kind)
    assert (member, member.value, str(member), f"{member}") == ("brand-new",) * 4
    assert (member.name, member.known) == ("UNKNOWN", False)
    assert repr(member) == f"<{kind.__name__} unknown: 'brand-new'>"
    assert msgspec.json.encode(member) == b'"brand-new"'


@pytest.mark.fault("J6")
@given(text=st.text())
def test_any_text_is_kept(text: str) -> None:
    """Whatever the text, an enumeration keeps it, and equals, hashes, copies and pickles like it."""
    member = Side(text)
    assert member == text
    assert hash(member) == hash(text)
    table: dict[str, int] = {member: 1}
    assert table[text] == 1
    for twin in (Side(text), copy.copy(member), copy.deepcopy(member), pickle.loads(pickle.dumps(member))):  # noqa: S301 - our own bytes
        assert (type(twin), twin, twin.known) == (Side, member, member.known)


@pytest.mark.fault("J6")
def test_unknown_members_are_not_remembered() -> None:
    """A million new texts leave no trace in the enumeration."""
    before = (len(Side), len(Side._value2member_map_), len(Side.__members__))
    for number in range(1000):
        Side(f"side-{number}")
    assert (len(Side), len(Side._value2member_map_), len(Side.__members__)) == before
    assert Side("side-1") is not Side("side-1")


def test_unknown_differs_from_known() -> None:
    """An unknown member is none of the documented ones, not even in another case."""
    assert Side("BUY") not in list(Side)
    assert Side("BUY") != Side.BUY


@pytest.mark.fault("J8")
@pytest.mark.parametrize("value", [1, None, True, 1.5, b"buy", ["buy"], object()])
def test_only_text_becomes_a_member(value: object) -> None:
    """What is not text is refused as any enumeration refuses it."""
    with pytest.raises(ValueError, match="is not a valid Side"):
        Side(value)  # type: ignore[arg-type]


def test_repr_of_a_known_member() -> None:
    """A documented member shows its name and its text."""
    assert repr(Side.BUY) == "<Side.BUY: 'buy'>"


def test_text_subclasses_are_not_kept() -> None:
    """A member holds plain text, whatever kind of text it was made from."""

    class Shout(str):
        __slots__ = ()

    assert type(Side(Shout("loud")).value) is str


def test_the_ten_channels() -> None:
    """Kraken's protocol has ten channels."""
    assert len(Channel) == 10


def test_methods() -> None:
    """Eleven methods can be asked; `pong` and `error` occur only in replies."""
    assert len(Method) == 11 + 2


def test_two_spellings_of_time_in_force() -> None:
    """Requests write the time in force small, reports large, and one leads to the other."""
    assert [member.requested for member in ReportedTimeInForce] == list(TimeInForce)
    assert ReportedTimeInForce("DAY").requested == "day"
    assert not ReportedTimeInForce("DAY").requested.known
