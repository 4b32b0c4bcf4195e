"""What a connection says about itself: `status`, `heartbeat`, and the replies to `ping`, `subscribe` and
`unsubscribe`.

Replies are told apart by `method`. A reply that grants puts what was granted into `result`; a reply that
refuses puts `symbol`, or `channel` and `status`, at the top level instead. `channel_name` and `symbol_name`
find them in either place. Replies to order methods are in `order_replies`.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from krakenwire.wire.enums import (
    Channel,
    EventTrigger,
    ExecutionVenue,
    IncidentStatus,
    MaintenancePhase,
    MessageType,
    Method,
    RecommendedAction,
    Service,
    SystemStatus,
)
from krakenwire.wire.refusals import ErrorKind, classify_error


class Maintenance(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A maintenance within the next 72 hours. Source: `status`, `upcoming_maintenance[]`."""

    event_id: int | None = None
    title: str | None = None
    expected_start_utc: str | None = None
    """RFC 3339 UTC, with or without a fraction."""
    expected_end_utc: str | None = None
    cancel_before_utc: str | None = None
    """Until when orders should be cancelled."""
    time_to_start_s: int | None = None
    """Seconds, at the time of sending."""
    phase: MaintenancePhase | None = None
    affected_services: tuple[Service, ...] = ()
    order_submission: str | None = None
    """`allowed` and `discouraged` have been seen; no list is published."""
    recommended_action: RecommendedAction | None = None
    source_url: str | None = None


class NextStep(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What Kraken will do about an incident. Source: `status`, `emergency[].next_steps[]`."""

    type: str | None = None
    """For example `expected_restart`."""
    applies_to: tuple[Service, ...] = ()
    expected_at_utc: str | None = None


class Emergency(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An incident that is not resolved. Source: `status`, `emergency[]`."""

    event_id: int | None = None
    title: str | None = None
    incident_status: IncidentStatus | None = None
    impact: str | None = None
    """For example `major`; no list is published."""
    affected_services: tuple[Service, ...] = ()
    started_at_utc: str | None = None
    next_steps: tuple[NextStep, ...] = ()
    source_url: str | None = None


class StatusUpdate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """State of the trading engine and, on a fresh connection, the identity of that connection.

    Source: channel `status`, the one element of `data`.
    """

    system: SystemStatus
    api_version: str | None = None
    version: str | None = None
    """Build of Kraken's service."""
    connection_id: int | None = None
    """Unsigned 64-bit, above 2^63 at times; absent when only the engine changed."""
    upcoming_maintenance: tuple[Maintenance, ...] | None = None
    """None in frames before September 2026, which did not know of it."""
    emergency: tuple[Emergency, ...] | None = None


class StatusMessage(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="channel", tag="status"
):
    """A frame of channel `status`: the first of every connection, and again when the engine changes."""

    type: MessageType
    data: tuple[StatusUpdate, ...]
    sequence: int | None = None


class Heartbeat(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="channel", tag="heartbeat"
):
    """The path to Kraken is alive; nothing is said about data. Once a second once subscribed."""


class ReplyEnvelope(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, tag_field="method"
):
    """The part every reply has."""

    success: bool | None = None
    """None where Kraken does not say, as in `pong`."""
    error: str | None = None
    """Kraken's own words for a refusal."""
    req_id: int | None = None
    """Number of the request, if it had one. Several replies may share it: one a symbol, one an order."""
    time_in: str | None = None
    """When Kraken received the request, RFC 3339 UTC, microseconds."""
    time_out: str | None = None
    """When Kraken sent the reply."""

    @property
    def method(self) -> Method:
        """The method replied to; `pong` for `ping`."""
        return Method(str(self.__struct_config__.tag))

    @property
    def rejected(self) -> bool:
        """Whether Kraken refused. A reply that says neither is a refusal only if it names an error."""
        return self.error is not None if self.success is None else not self.success

    @property
    def error_kind(self) -> ErrorKind | None:
        """What kind of refusal; None if Kraken did not refuse."""
        return classify_error(self.error or "") if self.rejected else None


class SubscriptionResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What was granted. Which fields are present is not promised, beyond the channel.

    Source: `result` of `subscribe` and `unsubscribe`.
    """

    channel: Channel
    symbol: str | None = None
    depth: int | None = None
    interval: int | None = None
    """Minutes."""
    snapshot: bool | None = None
    event_trigger: EventTrigger | None = None
    maxratecount: Decimal | None = None
    """Threshold of the account's rate counter a pair."""
    snap_orders: bool | None = None
    snap_trades: bool | None = None
    snapshot_trades: bool | None = None
    """Deprecated by Kraken: `snap_trades`."""
    order_status: bool | None = None
    ratecounter: bool | None = None
    rebased: bool | None = None
    users: str | None = None
    include_tokenized_assets: bool | None = None
    execution_venue: ExecutionVenue | None = None
    warnings: tuple[str, ...] = ()
    """Notices of deprecation."""


class SubscriptionReply(ReplyEnvelope, frozen=True, kw_only=True):
    """What the replies to `subscribe` and `unsubscribe` share."""

    result: SubscriptionResult | None = None
    symbol: str | None = None
    """Only in a refusal. Use `symbol_name`."""
    channel: Channel | None = None
    """Only in a refusal, of a private channel. Use `channel_name`."""
    status: str | None = None
    """Only in a refusal, of a private channel: `error`."""

    @property
    def channel_name(self) -> Channel | None:
        """The channel this is about; None if Kraken does not say, as in most refusals."""
        return self.channel if self.result is None else self.result.channel

    @property
    def symbol_name(self) -> str | None:
        """The symbol this is about; None for channels without symbols, or if Kraken does not say."""
        if self.result is not None and self.result.symbol is not None:
            return self.result.symbol
        return self.symbol

    @property
    def warnings(self) -> tuple[str, ...]:
        """Notices of deprecation."""
        return () if self.result is None else self.result.warnings


class SubscribeReply(SubscriptionReply, frozen=True, kw_only=True, tag="subscribe"):
    """One symbol's answer to `subscribe`; a request for N symbols gets N of them."""


class UnsubscribeReply(SubscriptionReply, frozen=True, kw_only=True, tag="unsubscribe"):
    """One symbol's answer to `unsubscribe`; a request for N symbols gets N of them."""


class PongResult(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """In the schema of `pong`; no live frame has carried it."""

    warnings: tuple[str, ...] = ()


class Pong(ReplyEnvelope, frozen=True, kw_only=True, tag="pong"):
    """The answer to `ping`; usually with neither `success` nor `result`."""

    result: PongResult | None = None


class PingReply(ReplyEnvelope, frozen=True, kw_only=True, tag="ping"):
    """The refusal of a `ping`. A `ping` that is granted is answered with `Pong`."""

    result: PongResult | None = None


class ErrorReply(ReplyEnvelope, frozen=True, kw_only=True, tag="error"):
    """The answer to a frame of ours that Kraken could not read. It names no request."""

    symbol: str | None = None
    channel: Channel | None = None
    status: str | None = None


class ErrorNotice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error without `method`: nobody's answer, so the whole connection's business.

    One report has the key in upper case, `{"Error":"Exceeded msg rate"}`; both spellings are read. Unknown
    fields are allowed here: no document describes this frame, so nothing in it can have drifted. Without a
    text in either it is no such notice.
    """

    error: str | None = None
    error_capital: str | None = field(name="Error", default=None)
    req_id: int | None = None

    def __post_init__(self) -> None:
        if self.error is None and self.error_capital is None:
            raise ValueError("Object without `channel`, `method` or `error`")

    @property
    def text(self) -> str:
        """Kraken's own words."""
        return self.error_capital or "" if self.error is None else self.error

    @property
    def kind(self) -> ErrorKind:
        """What kind of error."""
        return classify_error(self.text)


ControlReply = SubscribeReply | UnsubscribeReply | Pong | PingReply | ErrorReply
"""Every reply but those to order methods, told apart by `method`."""
