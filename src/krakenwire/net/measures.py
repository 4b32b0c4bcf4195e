"""Everything that a client counts, in one place for those who show it. Whoever reads it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from krakenwire.net.backoff import ConnectGate
from krakenwire.net.callbacks import Callbacks
from krakenwire.net.connection import Connection
from krakenwire.net.consumers import Queues
from krakenwire.net.facts import Facts
from krakenwire.net.hosts import Hosts
from krakenwire.net.plan import Role
from krakenwire.net.stalls import Stalls


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The parts of one client that count. For the thread of the client's loop."""

    hosts: Hosts
    connections: dict[Role, list[Connection]]
    """Every connection made so far; none is ever removed."""
    gate: ConnectGate
    queues: Queues
    callbacks: Callbacks
    stalls: Stalls | None
    """None: nobody watches the loop."""
    facts: Facts = field(default_factory=Facts)
