"""The user's API: a session, callbacks and statistics, for anybody's socket."""

from krakenwire.handler.handler import KrakenV2MessageHandler, create_kraken_v2_handler
from krakenwire.handler.status import ConnectionStatus

__all__ = ["ConnectionStatus", "KrakenV2MessageHandler", "create_kraken_v2_handler"]
