"""One connection's protocol without the socket: frames in, events and requests out."""

from krakenwire.session.connection import Session
from krakenwire.session.limits import DisputePolicy, Limits

__all__ = ["DisputePolicy", "Limits", "Session"]
