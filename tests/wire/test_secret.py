"""`wire/secret.py`: a token shows itself nowhere by accident."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from krakenwire.errors import UsageError
from krakenwire.wire.enums import OrderType, Side
from krakenwire.wire.orders import (
    AddOrderParams,
    AmendOrderParams,
    BatchAddParams,
    BatchCancelParams,
    CancelAll,
    CancelAllOrdersAfterParams,
    CancelAllParams,
    CancelOrderParams,
    EditOrderParams,
    Request,
)
from krakenwire.wire.secret import Secret, conceal_hook, reveal_hook
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    ExecutionsSubscription,
    Level3Subscription,
    Subscribe,
    with_token,
)

TOKEN = "WIRETOKEN0123456789"  # noqa: S105 - opens nothing
SECRET = Secret(TOKEN)


def the_token() -> Any:
    """A token as a caller may have it: plain text."""
    return TOKEN


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>40}",
        f"{SECRET:>40}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031 - one more way to show it
        repr([SECRET]),
        repr({"token": SECRET}),
        repr(ExecutionsSubscription(token=SECRET)),
        repr(Subscribe(ExecutionsSubscription(token=SECRET))),
        str(with_token(CancelAll(), SECRET)),
        repr(CancelAllParams(token=the_token())),
        repr(vars(type(SECRET))),
    ],
    ids=range(13),
)
def test_no_text_shows_it(shown: str) -> None:
    """No way of turning a secret, or a request that holds one, into text shows it."""
    assert TOKEN not in shown


@pytest.mark.parametrize(
    "make",
    [
        lambda: ExecutionsSubscription(users="me", token=the_token()),
        lambda: BalancesSubscription(users="me", token=the_token()),
        lambda: Level3Subscription(symbol=(), token=the_token()),
        lambda: AddOrderParams(order_type=OrderType.LIMIT, side=Side.BUY, symbol="", token=the_token()),
        lambda: AmendOrderParams(token=the_token()),
        lambda: EditOrderParams(order_id="", symbol="", token=the_token()),
        lambda: CancelOrderParams(token=the_token()),
        lambda: CancelAllOrdersAfterParams(timeout=-1, token=the_token()),
        lambda: BatchAddParams(symbol="SOL/USD", orders=(), token=the_token()),
        lambda: BatchCancelParams(orders=(), token=the_token()),
    ],
)
def test_a_traceback_does_not_show_it(make: Callable[[], object]) -> None:
    """A request that fails while it is made shows the rule, not the token, even one given as plain text."""
    with pytest.raises(UsageError) as failure:
        make()
    shown = "".join(traceback.TracebackException.from_exception(failure.value, capture_locals=True).format())
    assert "self = " in shown
    assert TOKEN not in shown


def test_logging_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    """A request written to a log by mistake shows no token."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("sent %s", Subscribe(ExecutionsSubscription(token=SECRET)))
    assert "***" in caplog.text
    assert TOKEN not in caplog.text


def test_it_is_not_pickled() -> None:
    """A secret refuses to be pickled, alone and inside a request."""
    for value in (SECRET, CancelAllParams(token=SECRET)):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(value)


def test_other_encoders_refuse_it() -> None:
    """An encoder that was not told about secrets fails instead of writing one."""
    with pytest.raises(TypeError):
        json.dumps({"token": SECRET})
    with pytest.raises(TypeError):
        msgspec.json.encode(CancelAllParams(token=SECRET))


def test_it_is_revealed_on_request() -> None:
    """The text comes out when asked for by name."""
    assert SECRET.reveal() == TOKEN


def test_it_is_compared_by_its_text() -> None:
    """Two secrets of one text are equal and hash alike; a secret never equals a plain text."""
    twin = Secret(TOKEN)
    assert twin == SECRET
    assert hash(twin) == hash(SECRET)
    assert Secret("other") != SECRET
    assert twin != TOKEN
    assert (bool(SECRET), bool(Secret(""))) == (True, False)


def test_copies_are_the_same_secret() -> None:
    """Copying a request keeps its token."""
    assert copy.copy(SECRET) is SECRET
    assert copy.deepcopy(CancelAllParams(token=SECRET)).token is SECRET


def test_only_text_is_a_secret() -> None:
    """A secret of anything but text is a mistake, and the mistake is named without the value."""
    with pytest.raises(TypeError, match="made from a str"):
        Secret(b"bytes")  # type: ignore[arg-type]


def test_the_edge_reveals_and_conceals() -> None:
    """The encoder's hook writes the token, the decoder's hook hides it again."""
    request = with_token(CancelAll(), SECRET)
    frame = msgspec.json.encode(request, enc_hook=reveal_hook)
    assert frame == b'{"method":"cancel_all","params":{"token":"WIRETOKEN0123456789"}}'
    assert msgspec.json.decode(frame, type=Request, dec_hook=conceal_hook) == request


def test_the_hooks_know_nothing_else() -> None:
    """The hooks refuse what is no secret."""
    with pytest.raises(NotImplementedError, match="cannot encode object"):
        reveal_hook(object())
    with pytest.raises(ValueError, match="Expected `Secret`"):
        conceal_hook(Secret, 7)
    with pytest.raises(ValueError, match="Expected `set`"):
        conceal_hook(set, [])
