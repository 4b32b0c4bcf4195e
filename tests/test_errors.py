"""`errors.py`: one tree, facts as attributes, a sentence for people."""

from __future__ import annotations

import inspect

import pytest

from krakenwire import errors
from krakenwire.errors import (
    BookNotLive,
    CallbackFailed,
    CallbackSlow,
    CallbackTimeout,
    ConnectionLost,
    DecodeError,
    KrakenWireError,
    RequestRejected,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "text", "facts"),
    [
        (UsageError("must be 1"), "must be 1", {"rule": "must be 1", "field": None}),
        (UsageError("must be 1", field="depth"), "depth: must be 1", {"rule": "must be 1", "field": "depth"}),
        (DecodeError("not JSON"), "not JSON", {"reason": "not JSON", "where": None}),
        (
            DecodeError("not a price", "$.data[0].price"),
            "not a price at $.data[0].price",
            {"where": "$.data[0].price"},
        ),
        (
            RequestRejected("subscribe", 7, "Already subscribed", "SOL/USD"),
            "subscribe #7 for SOL/USD rejected: Already subscribed",
            {"method": "subscribe", "req_id": 7, "reason": "Already subscribed", "symbol": "SOL/USD"},
        ),
        (
            RequestRejected("add_order", None, "EOrder:Invalid price"),
            "add_order rejected: EOrder:Invalid price",
            {"req_id": None, "symbol": None},
        ),
        (
            BookNotLive("SOL/USD", "stale", "connection lost"),
            "book SOL/USD is stale: connection lost",
            {"symbol": "SOL/USD", "status": "stale", "reason": "connection lost"},
        ),
        (BookNotLive("SOL/USD", "wanted"), "book SOL/USD is wanted", {"reason": None}),
        (
            CallbackFailed("on_book", "OrderBookUpdate", "raised KeyError", "strategy.py:7"),
            "callback on_book for OrderBookUpdate raised KeyError at strategy.py:7",
            {
                "callback": "on_book",
                "kind": "OrderBookUpdate",
                "reason": "raised KeyError",
                "where": "strategy.py:7",
            },
        ),
        (
            CallbackSlow("on_book", "OrderBookUpdate", 0.25, 3),
            "callback on_book for OrderBookUpdate kept everything waiting for 0.25 s",
            {"callback": "on_book", "kind": "OrderBookUpdate", "seconds": 0.25, "count": 3},
        ),
        (
            CallbackTimeout("on_book", "book", 5.0),
            "callback on_book for book took longer than 5 s",
            {"callback": "on_book", "kind": "book", "seconds": 5.0},
        ),
        (ConnectionLost("refused"), "refused", {"reason": "refused", "attempts": 0}),
        (ConnectionLost("refused", attempts=3), "refused (after 3 attempts)", {"attempts": 3}),
    ],
)
def test_facts_and_text(error: KrakenWireError, text: str, facts: dict[str, object]) -> None:
    """An error says one sentence to people and keeps its facts for programs."""
    assert str(error) == text
    assert {name: getattr(error, name) for name in facts} == facts


def test_one_tree() -> None:
    """Every exception of the library is caught by one name, and the tree at the top of the file names them
    all.
    """
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        assert issubclass(kind, KrakenWireError)
        assert name in (errors.__doc__ or "")


def test_usage_is_a_value_error() -> None:
    """A broken rule is a `ValueError` too, so that a decoder counts it as a bad frame."""
    assert issubclass(UsageError, ValueError)
