"""A simulated exchange: the Kraken Spot WebSocket v2 protocol over a real matching engine, without a socket."""

from krakenwire.sim.catalog import Listing, invented, listing
from krakenwire.sim.channels import Host
from krakenwire.sim.connection import Closing, Connection, ConnectionId
from krakenwire.sim.exchange import Exchange
from krakenwire.sim.flow import Character
from krakenwire.sim.pair import Pair
from krakenwire.sim.private.account import Account, ApiKey, Permissions
from krakenwire.sim.private.accounts import Accounts
from krakenwire.sim.private.rates import INTERMEDIATE, PRO, STARTER, Tier
from krakenwire.sim.rules import Rules

__all__ = [
    "INTERMEDIATE",
    "PRO",
    "STARTER",
    "Account",
    "Accounts",
    "ApiKey",
    "Character",
    "Closing",
    "Connection",
    "ConnectionId",
    "Exchange",
    "Host",
    "Listing",
    "Pair",
    "Permissions",
    "Rules",
    "Tier",
    "invented",
    "listing",
]
