"""Which HTTP proxy is on the way to a host, and the login in its URL, which nothing shows.

The library of the transport would look for `WSS_PROXY`, which nobody sets, and keeps a login where its warnings print it.
"""

from __future__ import annotations

import base64
from typing import Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from krakenwire.errors import UsageError
from krakenwire.wire.secret import Secret

SCHEMES = ("http", "https")


class Proxy:
    """An HTTP proxy: its URL without a login, and the headers that log in, with their values hidden."""

    def __init__(self, url: str, login: Secret | None) -> None:
        self.url = url
        self._login = login

    @classmethod
    def at(cls, url: str) -> Self:
        """The proxy of a URL, `http://user:password@host:port`.

        Raises: UsageError, which does not show it, if it is no such URL.
        """
        try:
            parts = urlsplit(url)
            usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:  # its text may be a piece of a password
            usable = False
        if not usable:
            raise UsageError("must be the URL of an HTTP proxy, http://host:port", field="proxy")
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if parts.username is None:
            return cls(place, None)
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return cls(place, Secret("Basic " + base64.b64encode(login.encode()).decode()))

    def headers(self) -> dict[str, str]:
        """What the proxy, and nobody else, has to be told besides."""
        return {} if self._login is None else {"Proxy-Authorization": self._login.reveal()}

    def __repr__(self) -> str:
        return f"Proxy({self.url!r})"


def environment_proxy(host: str, port: int) -> str | None:
    """The URL of the proxy to a host that the environment names, or else the system's settings; None: there is none.

    `NO_PROXY` comes first, then `HTTPS_PROXY`, then `ALL_PROXY` if it is an HTTP proxy; each may be in small letters. `HTTP_PROXY` is not
    asked: what is not encrypted goes to this machine only, and there nobody's proxy is in between. May block: a system may look up
    the host.
    """
    if proxy_bypass(f"{host}:{port}"):
        return None
    named = getproxies()
    if https := named.get("https"):
        return _with_scheme(https)
    url = _with_scheme(named.get("all", "socks://"))
    return url if url.partition("://")[0].lower() in SCHEMES else None


def _with_scheme(url: str) -> str:
    """A URL as it is meant: `host:port` alone is taken for HTTP everywhere."""
    return url if "://" in url else f"http://{url}"
