"""Where the simulated exchange is found: the paths and names of its hosts.

The paths are Kraken's. Its three WebSocket hosts are three paths here, or three host names where names can be given:

========  ==========  =============================
host      path        or `/v2` under the host name
========  ==========  =============================
public    `/v2`
private   `/auth/v2`  `ws-auth.localhost`
level3    `/l3/v2`    `ws-l3.localhost`
========  ==========  =============================

HTTP is below `/0`, as at `https://api.kraken.com`.
"""

from __future__ import annotations

import ipaddress

from aiohttp import web
from msgspec import Struct

from krakenwire.sim.channels import Host

PATHS = {"/v2": Host.PUBLIC, "/auth/v2": Host.PRIVATE, "/l3/v2": Host.LEVEL3}

NAMES = {
    "ws-auth": Host.PRIVATE,
    "beta-ws-auth": Host.PRIVATE,
    "ws-l3": Host.LEVEL3,
}
"""First labels of the host name that make `/v2` another host than the public one."""


class Urls(Struct, frozen=True):
    """Where a running exchange is."""

    public: str
    private: str
    level3: str
    rest: str
    """Without the path: what stands before `/0/private/GetWebSocketsToken`."""


def host_of(request: web.Request) -> Host | None:
    """Which host an upgrade asks for; None: none of ours."""
    host = PATHS.get(request.path)
    if host is Host.PUBLIC:
        return NAMES.get(request.host.partition(".")[0].lower(), host)
    return host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
