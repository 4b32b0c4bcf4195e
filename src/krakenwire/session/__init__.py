"""One connection's protocol without the socket: frames in, events out."""

from krakenwire.session.connection import Session

__all__ = ["Session"]
