"""The health of a connection: what the caller told, and what Kraken's own messages show."""

from __future__ import annotations

import pytest

from krakenwire import BookNotLive, ConnectionStatus, GapReason, create_kraken_v2_handler
from tests.handler.frames import HEARTBEAT, Clock, balances, book, granted, refused, status, ticker


def test_before_anything() -> None:
    """A handler that heard nothing claims nothing."""
    assert create_kraken_v2_handler().get_connection_status() == ConnectionStatus()


def test_age_of_the_last_message() -> None:
    """The status says when the last frame came, and how long ago that is."""
    clock = Clock()
    handler = create_kraken_v2_handler(clock=clock)
    handler.process(HEARTBEAT)
    clock.now += 2.5
    told = handler.get_connection_status()
    assert (told.last_message_at, told.last_message_age) == (100.0, 2.5)
    handler.reset()
    assert handler.get_connection_status().last_message_age == 2.5


@pytest.mark.parametrize("statistics", [True, False])
def test_connected_as_far_as_frames_show(statistics: bool) -> None:
    """If the caller never says whether he is connected, frames do: any frame since the last reset."""
    handler = create_kraken_v2_handler(enable_statistics=statistics)
    handler.process(HEARTBEAT)
    assert handler.get_connection_status().connected
    handler.reset()
    assert not handler.get_connection_status().connected
    handler.process(HEARTBEAT)
    assert handler.get_connection_status().connected


def test_connected_as_the_caller_says() -> None:
    """What the caller says counts until he says otherwise, whatever frames come."""
    handler = create_kraken_v2_handler()
    handler.set_connection_status(connected=True)
    assert handler.get_connection_status().connected
    handler.set_connection_status(connected=False)
    handler.process(HEARTBEAT)
    assert not handler.get_connection_status().connected


def test_engine_and_number() -> None:
    """`status` frames tell the state of Kraken's engine and the number of the connection; a change of the engine resets nothing."""
    handler = create_kraken_v2_handler()
    handler.process(status(18125794168470749634))
    handler.process(book())
    handler.process(status(None, "maintenance"))
    told = handler.get_connection_status()
    assert (told.system, told.connection_id) == ("maintenance", 18125794168470749634)
    assert handler.book("SOL/USD").verified
    assert told.reconnects == 0


def test_authentication_is_learned() -> None:
    """An accepted private subscription shows a token that counts; a public one shows nothing."""
    handler = create_kraken_v2_handler()
    handler.process(granted("instrument"))
    assert not handler.get_connection_status().authenticated
    handler.process(granted("executions"))
    assert handler.get_connection_status().authenticated


@pytest.mark.parametrize(
    "frame",
    [
        refused("balances", "ESession:Invalid session"),
        b'{"method":"add_order","error":"ESession:Invalid session","success":false}',
        b'{"error":"ESession:Invalid session"}',
    ],
    ids=["subscription", "order", "no method"],
)
def test_authentication_is_lost(frame: bytes) -> None:
    """A token that Kraken refuses counts no more, wherever it says so; the next accepted one does again."""
    handler = create_kraken_v2_handler()
    handler.process(granted("balances"))
    assert handler.process(frame)
    assert not handler.get_connection_status().authenticated
    handler.process(granted("balances"))
    assert handler.get_connection_status().authenticated


def test_other_refusals_say_nothing_of_the_token() -> None:
    """A refusal for any other reason leaves the token what it is."""
    handler = create_kraken_v2_handler()
    handler.set_connection_status(authenticated=True)
    handler.process(refused("executions", "EGeneral:Permission denied"))
    assert handler.get_connection_status().authenticated
    handler.set_connection_status(authenticated=False)
    assert not handler.get_connection_status().authenticated


@pytest.mark.parametrize("how", ["reset", "told", "status"])
def test_a_lost_connection_takes_its_token_along(how: str) -> None:
    """After a reset, a loss that the caller told, or a `status` with another number nobody is authenticated."""
    handler = create_kraken_v2_handler()
    handler.process(status(1))
    handler.process(granted("executions"))
    if how == "reset":
        handler.reset()
    elif how == "told":
        handler.set_connection_status(connected=False, authenticated=True)
    else:
        handler.process(status(2))
    assert not handler.get_connection_status().authenticated


def test_reconnects_are_counted_once() -> None:
    """A connection that follows a lost one counts once, whether the caller, the `status` frame or both announce it."""
    handler = create_kraken_v2_handler()

    def reconnects() -> int:
        return handler.get_connection_status().reconnects

    handler.set_connection_status(connected=True)
    handler.process(status(1))
    assert reconnects() == 0
    handler.set_connection_status(connected=False)
    handler.set_connection_status(connected=True)
    handler.process(status(2))
    assert reconnects() == 1
    handler.reset()
    handler.process(status(3))
    assert reconnects() == 2
    handler.process(status(4))
    assert reconnects() == 3
    handler.process(status(4))
    assert reconnects() == 3


@pytest.mark.parametrize("how", ["reset", "told", "status"])
def test_a_new_connection_begins_anew(how: str) -> None:
    """Books cannot be read, and no sequence of the new connection is taken for a duplicate of the old one's."""
    handler = create_kraken_v2_handler()
    for frame in (status(1), book(), balances(5)):
        handler.process(frame)
    if how == "reset":
        handler.reset(GapReason.SILENT)
    elif how == "told":
        handler.set_connection_status(connected=False)
    else:
        handler.process(status(2))
    with pytest.raises(BookNotLive):
        handler.book("SOL/USD")
    handler.process(balances(1))
    assert handler.get_statistics()["duplicate_count"] == 0


def test_reason_of_a_loss() -> None:
    """The `Gap`s carry the reason that the caller gave."""
    handler = create_kraken_v2_handler()
    reasons: list[GapReason] = []
    handler.register_callback("gap", lambda gap: reasons.append(gap.reason))
    handler.process(ticker(1))
    handler.reset(GapReason.SILENT)
    handler.process(ticker(1))
    handler.set_connection_status(connected=False, reason=GapReason.NEW_CONNECTION)
    handler.process(ticker(1))
    handler.set_connection_status(connected=False)
    assert reasons == [GapReason.SILENT, GapReason.NEW_CONNECTION, GapReason.CONNECTION_LOST]
