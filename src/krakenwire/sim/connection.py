"""One client of the exchange: its requests are answered, its frames wait here until they are taken."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, NewType

from msgspec import Struct

from krakenwire.sim.channels import ORDER_METHODS, PRIVATE_CHANNELS, Host
from krakenwire.sim.clock import SECOND
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.raw import Act, Socket
from krakenwire.sim.requests import Refusal, Request, read_request, reply
from krakenwire.sim.subscriptions import Subscriptions, reply_label
from krakenwire.wire.refusals import (
    INVALID_SESSION,
    MALFORMED_REQUEST,
    MESSAGE_RATE,
    PRIVATE_ON_PUBLIC_HOST,
    TOKEN_NOT_FOUND,
    UNSUPPORTED_EVENT,
    UNSUPPORTED_FIELD,
)

if TYPE_CHECKING:
    from krakenwire.sim.exchange import Exchange

ConnectionId = NewType("ConnectionId", int)
"""Unsigned 64-bit, as the `status` frame tells it; above 2^63 at times."""

HEARTBEAT = b'{"channel":"heartbeat"}'
HEARTBEAT_LABEL = Label("heartbeat", "update")


class Closing(Struct, frozen=True):
    """How the exchange ends a connection. `code` None: without a close frame, as if the cable were cut."""

    code: int | None
    reason: str = ""


class Connection:
    """A client's protocol. Times are ns since 1970."""

    def __init__(self, exchange: Exchange, number: ConnectionId, host: Host, at: int, random: Random) -> None:
        self.exchange = exchange
        self.id = number
        self.host = host
        self.opened_at = at
        self.outgoing: list[bytes] = []
        self.sent = 0
        """Frames put into `outgoing` so far: the number of the last one."""
        self.closing: Closing | None = None
        self.subscriptions = Subscriptions(self)
        self.asked_at = at
        """When the client last asked anything."""
        self.socket: Socket | None = None
        """Its bytes; None in memory, where there are none."""
        self._random = random
        self._beating = False
        self._data_at = at
        """When the last data was sent."""
        self._tokens: set[str] = set()
        self._allowance = float(exchange.rules.message_burst)
        exchange.schedule(at + int(exchange.rules.idle_limit * SECOND), self._idle)

    # ---------------------------------------------------------------- frames out

    def send(self, frame: bytes, label: Label, at: int) -> None:
        """A frame for the client. Faults, if there are any, decide what becomes of it and call `emit`."""
        if self.closing is not None:
            return
        if self.exchange.truth is not None:
            self.exchange.truth.meant(self, frame, label, at)
        if self.exchange.faults is None:
            self.emit(frame, label, at)
        else:
            self.exchange.faults.pass_on(self, frame, label, at)

    def emit(self, frame: bytes, label: Label, at: int) -> None:
        """A frame goes out."""
        if self.closing is not None:
            return
        if len(self.outgoing) >= self.exchange.rules.outgoing_limit:
            self.close(1008, "slow consumer")
            return
        self.outgoing.append(frame)
        self.went(frame, label, at)

    def went(self, frame: bytes, label: Label, at: int) -> None:
        """A frame is on its way: in `outgoing`, or written by `raw` in its place."""
        self.sent += 1
        self._data_at = at
        if self.exchange.truth is not None:
            self.exchange.truth.sent(self, frame, label, at)

    def raw(self, *acts: Act) -> bool:
        """Do something to the bytes, after everything that was sent before. False: there are none here, and nothing was done."""
        if self.socket is None:
            return False
        for act in acts:
            self.socket.act(act)
        return True

    def grant(self, request: Request, result: Any = None, symbol: str | None = None, **more: Any) -> None:
        """Answer with success. `more` are members beside `result`; without a result there is none."""
        members: dict[str, Any] = ({} if result is None else {"result": result}) | {"success": True} | more
        self.send(reply(request, **members), reply_label(request, symbol), request.at)

    def refuse(self, request: Request, error: str, **more: Any) -> None:
        """Answer with Kraken's words for the refusal."""
        frame = reply(request, error=error, success=False, **more)
        self.send(frame, reply_label(request, more.get("symbol")), request.at)

    def close(self, code: int | None, reason: str = "") -> None:
        """End the connection after what is in `outgoing`. Nothing is sent or heard after that."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            # Later, because a fault may close a connection while a stream goes through its subscribers.
            self.exchange.schedule(self.exchange.at, self._leave)

    # ---------------------------------------------------------------- frames in

    def receive(self, frame: bytes | str, at: int) -> None:
        """Answer a request."""
        if self.closing is not None:
            return
        waited, self.asked_at = at - self.asked_at, at
        request = read_request(frame, at)
        if request is None:
            self.refuse(Request("error", at), MALFORMED_REQUEST)
            return
        if not self._within_rate(waited):
            self.refuse(request, MESSAGE_RATE)
            return
        try:
            self._take(request)
        except Refusal as refused:
            self.refuse(request, refused.error, **refused.more)

    def authorised(self, token: object, at: int) -> bool:
        """Whether the token is good here: it is young, or something was subscribed to with it on this connection."""
        return isinstance(token, str) and (token in self._tokens or self.exchange.tokens.valid(token, at))

    def hold(self, token: str) -> None:
        """A private subscription was made with this token, so it is good for as long as the connection lives. Orders alone keep none."""
        self._tokens.add(token)

    def snapshot_delay(self) -> int:
        """Nanoseconds between an acknowledgement and its snapshot."""
        low, high = self.exchange.rules.snapshot_delay
        return int(self._random.uniform(low, high) * SECOND)

    def _take(self, request: Request) -> None:
        if request.stray is not None:
            raise Refusal(UNSUPPORTED_FIELD.format(field=request.stray, method=request.method))
        if request.method == "ping":
            if request.has_params:
                raise Refusal(UNSUPPORTED_FIELD.format(field="params", method="ping"))
            self.send(reply(request, method="pong"), Label("reply", "pong"), request.at)
        elif request.method in ORDER_METHODS:
            self._take_private(request)
        elif request.method in {"subscribe", "unsubscribe"}:
            self._beat(request.at)
            channel = request.params.get("channel") if isinstance(request.params, dict) else None
            if isinstance(channel, str) and channel in PRIVATE_CHANNELS:
                self._take_private(request)
            else:
                self.subscriptions.take(request)
        else:
            raise Refusal(UNSUPPORTED_EVENT)

    def _take_private(self, request: Request) -> None:
        """Orders, executions and balances: the account side answers, once host and token are right."""
        if self.host is not Host.PRIVATE:
            raise Refusal(PRIVATE_ON_PUBLIC_HOST)
        params = request.params if isinstance(request.params, dict) else {}
        if request.method in ORDER_METHODS and "token" not in params:
            raise Refusal(TOKEN_NOT_FOUND)
        if self.exchange.private is None or not self.authorised(params.get("token"), request.at):
            subscribing = request.method not in ORDER_METHODS
            raise Refusal(
                INVALID_SESSION,
                **({"channel": params.get("channel"), "status": "error"} if subscribing else {}),
            )
        self.exchange.private.take(self, request)

    def _within_rate(self, waited: int) -> bool:
        rules = self.exchange.rules
        if rules.message_rate is None:
            return True
        self._allowance = min(rules.message_burst, self._allowance + waited / SECOND * rules.message_rate)
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    # ---------------------------------------------------------------- timers

    def _beat(self, at: int) -> None:
        """Begin the heartbeats: once a second from the first subscription asked for, even if it is refused."""
        if not self._beating:
            self._beating = True
            self.exchange.schedule(at + SECOND, self._heartbeat)

    def _heartbeat(self, at: int) -> None:
        if self.closing is not None:
            return
        quiet_since = at - SECOND if self.exchange.rules.heartbeat_always else self._data_at
        if quiet_since + SECOND <= at:
            self.send(HEARTBEAT, HEARTBEAT_LABEL, at)
            quiet_since = at
        self.exchange.schedule(quiet_since + SECOND, self._heartbeat)

    def _leave(self, _at: int) -> None:
        self.subscriptions.close()
        if self.exchange.private is not None:
            self.exchange.private.left(self)

    def _idle(self, at: int) -> None:
        """Close a connection that holds no subscription and asked nothing for a minute."""
        if self.closing is not None:
            return
        limit = int(self.exchange.rules.idle_limit * SECOND)
        private = self.exchange.private
        busy = len(self.subscriptions) or (private is not None and private.subscribed(self))
        due = limit + (at if busy else self.asked_at)
        if due <= at:
            self.close(1000, "idle")
        else:
            self.exchange.schedule(due, self._idle)
