"""Sockets and timers: the client that stays connected."""

from krakenwire.net.backoff import ConnectGate, Waits
from krakenwire.net.book_streams import BookStream
from krakenwire.net.client import Client, connect
from krakenwire.net.consumers import Policy
from krakenwire.net.status import ConnectionInfo
from krakenwire.net.streams import EventStream, Stream
from krakenwire.net.switch import DeadMansSwitch
from krakenwire.net.token import Credentials
from krakenwire.net.transport import ConnectFailure
from krakenwire.net.twins import Disagreement, TwinBook

__all__ = [
    "BookStream",
    "Client",
    "ConnectFailure",
    "ConnectGate",
    "ConnectionInfo",
    "Credentials",
    "DeadMansSwitch",
    "Disagreement",
    "EventStream",
    "Policy",
    "Stream",
    "TwinBook",
    "Waits",
    "connect",
]
