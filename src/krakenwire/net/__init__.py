"""Sockets and timers: the client that stays connected."""

from krakenwire.net.backoff import ConnectGate, Waits
from krakenwire.net.book_streams import BookStream
from krakenwire.net.client import Client, connect
from krakenwire.net.consumers import Policy
from krakenwire.net.status import ConnectionInfo
from krakenwire.net.streams import EventStream, Stream
from krakenwire.net.token import Credentials
from krakenwire.net.transport import ConnectFailure

__all__ = [
    "BookStream",
    "Client",
    "ConnectFailure",
    "ConnectGate",
    "ConnectionInfo",
    "Credentials",
    "EventStream",
    "Policy",
    "Stream",
    "Waits",
    "connect",
]
