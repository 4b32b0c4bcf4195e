"""Where Kraken is, unless told otherwise."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from msgspec import Struct

from krakenwire.net.plan import Role
from krakenwire.net.transport import check_url

PUBLIC = "wss://ws.kraken.com/v2"
PRIVATE = "wss://ws-auth.kraken.com/v2"
LEVEL3 = "wss://ws-l3.kraken.com/v2"
REST = "https://api.kraken.com"


class Hosts(Struct, frozen=True):
    """The URLs of one exchange."""

    public: str
    private: str
    level3: str
    rest: str

    @classmethod
    def chosen(cls, public: str | None, private: str | None, level3: str | None, rest: str | None) -> Hosts:
        """Those given, else those of the environment (`KRAKEN_WS_PUBLIC_URL` and so on), else Kraken's own.

        Raises: UsageError, if one may not be connected to.
        """
        return cls(
            public=check_url(public or os.environ.get("KRAKEN_WS_PUBLIC_URL") or PUBLIC),
            private=check_url(private or os.environ.get("KRAKEN_WS_AUTH_URL") or PRIVATE),
            level3=check_url(level3 or os.environ.get("KRAKEN_WS_L3_URL") or LEVEL3),
            rest=check_url(rest or os.environ.get("KRAKEN_SPOT_URL") or REST, schemes=("https", "http")),
        )

    @property
    def real(self) -> bool:
        """Whether all of them are Kraken's."""
        return self.strange is None

    @property
    def strange(self) -> str | None:
        """The first that is not Kraken's."""
        urls = (self.public, self.private, self.level3, self.rest)
        return next((url for url in urls if not (urlsplit(url).hostname or "").endswith(".kraken.com")), None)

    def of(self, role: Role) -> str:
        """The WebSocket URL of a role."""
        return {Role.PUBLIC: self.public, Role.PRIVATE: self.private, Role.LEVEL3: self.level3}[role]
