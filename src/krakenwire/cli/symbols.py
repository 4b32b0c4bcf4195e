"""Symbols that people type: completed from a list of common ones, and what was meant by one that Kraken does not know."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from krakenwire.cli.nearest import nearest
from krakenwire.sim.catalog import KNOWN

_BASES = """
BTC ETH SOL XRP ADA DOGE DOT LTC LINK AVAX ATOM BCH UNI XLM TRX XMR ETC FIL NEAR ALGO AAVE SHIB PEPE SUI TAO PAXG USDT USDC
"""
_OTHERS = """
ETH/BTC SOL/BTC XRP/BTC LTC/BTC XMR/BTC BTC/USDT ETH/USDT BTC/USDC ETH/USDC BTC/GBP ETH/GBP EUR/USD GBP/USD
"""

COMMON = tuple(
    sorted(
        {f"{base}/{quote}" for base in _BASES.split() for quote in ("USD", "EUR")}
        | {*_OTHERS.split()}
        | {*KNOWN}
    )
)
"""Symbols that are offered. It is no list of what Kraken has: that is `krakenwire stream instrument`."""

OLD_NAMES = {"XBT": "BTC", "XDG": "DOGE", "XXBT": "BTC", "XETH": "ETH", "ZUSD": "USD", "ZEUR": "EUR"}
OLD_WORDS = {"BTC": "Bitcoin", "DOGE": "Dogecoin", "ETH": "Ether", "USD": "dollars", "EUR": "euros"}
"""What older interfaces of Kraken call assets, and what people do."""


def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Symbols that begin so, for the completion of a shell. What was typed before is not offered again."""
    typed = context.params.get(parameter.name or "") or ()
    head, comma, last = begun.rpartition(",")
    taken = {*typed, *head.split(",")}
    return [
        CompletionItem(f"{head}{comma}{symbol}")
        for symbol in COMMON
        if symbol.startswith(last.upper()) and symbol not in taken
    ]


def hint(symbol: str) -> str:
    """What to do about a symbol that Kraken does not know."""
    name = symbol.upper().replace("-", "/").replace("_", "/")
    parts = name.split("/")
    meant = "/".join(OLD_NAMES.get(part, part) for part in parts)
    for part in parts:
        if part in OLD_NAMES:
            new = OLD_NAMES[part]
            return f"WebSocket v2 writes {OLD_WORDS[new]} as {new}. Did you mean {meant}?"
    if "/" not in name:
        for base, quote in ((name[:-length], name[-length:]) for length in (3, 4)):
            pair = f"{OLD_NAMES.get(base, base)}/{OLD_NAMES.get(quote, quote)}"
            if pair in COMMON:
                return f"symbols are written in capitals, with a slash. Did you mean {pair}?"
    elif name != symbol:
        return f"symbols are written in capitals, with a slash. Did you mean {name}?"
    near = nearest(name, COMMON)
    listing = "krakenwire stream instrument --count 1 -o ndjson lists every market"
    return listing if near is None or near == symbol else f"did you mean {near}? {listing}"
