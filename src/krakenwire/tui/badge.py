"""Which exchange is looked at, so that nobody takes an invented price for a real one."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from krakenwire.net.hosts import Hosts
from krakenwire.tui.cells import safe


class Badge(Struct, frozen=True):
    """What stands in the corner of every screen."""

    word: str
    """`LIVE`, `SIM` or `OTHER`."""
    detail: str = ""

    @property
    def real(self) -> bool:
        """Whether these are Kraken's own hosts."""
        return self.word == "LIVE"


LIVE = Badge("LIVE", "Kraken")
SIM = Badge("SIM", "no real price")
GIVEN = Badge("OTHER", "not Kraken")
"""An exchange that is reached over a transport of the caller's own."""


def badge_of(hosts: Hosts) -> Badge:
    """Kraken with all its hosts, or not: then the first that is not Kraken's is named."""
    if hosts.strange is None:
        return LIVE
    return Badge("OTHER", f"not Kraken: {safe(urlsplit(hosts.strange).netloc.rpartition('@')[2])}")
