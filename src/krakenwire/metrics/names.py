"""Every metric: its name, kind, labels and meaning. Labels whose values nobody bounds do not exist; `docs/metrics.md` explains more."""

from __future__ import annotations

from typing import Literal, NamedTuple

from krakenwire.events import ConnectionState, GapReason
from krakenwire.handler.routes import CHANNELS
from krakenwire.handler.routes import KINDS as EVENT_KINDS
from krakenwire.net.consumers import Policy
from krakenwire.net.plan import Role
from krakenwire.state.book import BookStatus

Kind = Literal["counter", "gauge", "summary", "info"]

OTHER = "other"
"""In the place of any value that is not in the closed set of its label."""

OTHER_SYMBOLS = "_other"
"""The series of all symbols for which there was no room. No symbol of Kraken's begins so."""

CHANNEL = (*CHANNELS, "reply", "unknown", OTHER)
PROVABLE = ("book", "level3", "trade", "executions", "balances")

VALUES: dict[str, tuple[str, ...]] = {
    "channel": CHANNEL,
    "reason": (*GapReason, OTHER),
    "result": ("verified", "unverified", "failed"),
    "role": tuple(Role),
    "state": tuple(ConnectionState),
    "status": tuple(BookStatus),
    "policy": tuple(Policy),
    "trouble": ("errors", "timeouts", "slow"),
    "cause": ("blocked", "paused"),
    "event": (*EVENT_KINDS, "error", "refused_frame", "*", OTHER),
    "mode": ("live", "sim", "unknown"),
}
"""What each label may say. `symbol` and `version` are bounded otherwise: by a number, and by being one."""


class Metric(NamedTuple):
    """One metric. `text` is its help, in the words of Prometheus: one sentence."""

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which its samples are exposed."""
        endings = {"counter": ("_total",), "gauge": ("",), "summary": ("_sum", "_count"), "info": ("_info",)}
        return tuple([self.name + ending for ending in endings[self.kind]])


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "krakenwire", "info", "Version, and whether the exchange is Kraken or not.", ("version", "mode")
        ),
        Metric("krakenwire_up", "gauge", "1 if the figures are those of now, 0 if nobody could be asked."),
        # ------------------------------------------------------------ what comes in
        Metric("krakenwire_frames", "counter", "Frames of which something could be used.", ("channel",)),
        Metric("krakenwire_refused_frames", "counter", "Frames of which nothing could be used."),
        Metric(
            "krakenwire_rejected",
            "counter",
            "Frames, or single entries, that could not be used.",
            ("channel",),
        ),
        Metric(
            "krakenwire_unknown", "counter", "Frames of a channel or method that this version does not know."
        ),
        Metric(
            "krakenwire_schema_drift",
            "counter",
            "Reports of a field that this version does not know.",
            ("channel",),
        ),
        Metric("krakenwire_duplicates", "counter", "Trades, reports and sequence numbers that came twice."),
        Metric("krakenwire_discarded", "counter", "Updates of books that had no snapshot."),
        Metric(
            "krakenwire_frame_processing_seconds",
            "summary",
            "Time for decoding, state and proof of every eighth frame of a channel.",
            ("channel",),
        ),
        # ------------------------------------------------------------ proof
        Metric(
            "krakenwire_checks",
            "counter",
            "Messages by what their checksum, trade id or sequence number proved.",
            ("channel", "result"),
        ),
        Metric(
            "krakenwire_gaps", "counter", "Places in streams where something may be missing.", ("reason",)
        ),
        Metric("krakenwire_resyncs", "counter", "Subscriptions that had to be taken anew.", ("channel",)),
        Metric("krakenwire_books_lost", "counter", "Books that contradicted the exchange.", ("channel",)),
        Metric(
            "krakenwire_books_disputed", "counter", "Books that were wrong after every resync.", ("channel",)
        ),
        Metric("krakenwire_books", "gauge", "Books by where they are in their life.", ("channel", "status")),
        Metric(
            "krakenwire_verified_messages_ratio",
            "gauge",
            "Share of the messages that something could prove, and did.",
        ),
        Metric(
            "krakenwire_verified_time_ratio",
            "gauge",
            "Share of the time in which provable subscriptions were wanted and verified.",
        ),
        Metric(
            "krakenwire_clean_time_ratio",
            "gauge",
            "Share of the time in which subscriptions were as good as their channel can be.",
        ),
        # ------------------------------------------------------------ subscriptions and connections
        Metric("krakenwire_subscriptions", "gauge", "Subscriptions that are wanted.", ("channel",)),
        Metric("krakenwire_subscriptions_live", "gauge", "Of these, those that can be read.", ("channel",)),
        Metric(
            "krakenwire_subscriptions_refused",
            "counter",
            "Subscriptions that Kraken refused for good.",
            ("channel",),
        ),
        Metric("krakenwire_connections", "gauge", "Connections by their state.", ("role", "state")),
        Metric("krakenwire_connects", "counter", "Connections opened.", ("role",)),
        Metric("krakenwire_reconnects", "counter", "Of these, those after one that ended.", ("role",)),
        Metric("krakenwire_connect_attempts", "counter", "Attempts to connect, successful or not."),
        Metric("krakenwire_connect_budget_left", "gauge", "Attempts that may still be made now."),
        Metric(
            "krakenwire_silence_seconds",
            "gauge",
            "Since the last frame; of several connections the longest.",
            ("role",),
        ),
        Metric(
            "krakenwire_lag_seconds",
            "gauge",
            "How much later than at its best data comes; of several connections the most.",
            ("role",),
        ),
        # ------------------------------------------------------------ the program behind it
        Metric("krakenwire_queues", "gauge", "Queues of consumers.", ("policy",)),
        Metric("krakenwire_queue_events", "gauge", "Events that wait in them.", ("policy",)),
        Metric("krakenwire_queue_longest_events", "gauge", "Events in the longest of them.", ("policy",)),
        Metric("krakenwire_queue_dropped", "counter", "Events that consumers lost by being slow."),
        Metric("krakenwire_callback_seconds", "summary", "Time in callbacks, and their calls.", ("event",)),
        Metric("krakenwire_callback_trouble", "counter", "Callbacks that went wrong.", ("trouble",)),
        Metric(
            "krakenwire_event_loop_stalls",
            "counter",
            "How often the event loop stood still: something blocked it, or the whole process was paused.",
            ("cause",),
        ),
        Metric(
            "krakenwire_event_loop_stalled_seconds", "counter", "For how long it stood still.", ("cause",)
        ),
        # ------------------------------------------------------------ by symbol, if asked for
        Metric(
            "krakenwire_symbol_checks",
            "counter",
            "As krakenwire_checks, by symbol.",
            ("channel", "symbol", "result"),
        ),
        Metric(
            "krakenwire_symbol_live",
            "gauge",
            "Subscriptions of the symbol that can be read.",
            ("channel", "symbol"),
        ),
    )
}
"""By name, without the endings that Prometheus gives samples."""
