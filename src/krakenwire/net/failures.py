"""What ends an attempt to connect, told apart: by the answer's status, by the library's exception, by the operating system's number."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping

import aiohttp

from krakenwire.errors import ConnectFailed
from krakenwire.net.transport import ConnectFailure

REDIRECTS = range(300, 400)
FORBIDDEN = frozenset({401, 403, 451})
RATE_LIMITED = 429
SERVER_ERRORS = range(500, 600)
PROXY_LOGIN = 407
LOCAL_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def failure_of(exc: BaseException, excerpt: str = "") -> ConnectFailed | None:  # noqa: PLR0911 (a table of causes)
    """What went wrong; None where it is nobody's failure to connect. `excerpt`: how the answer began, where it may be shown. No text of the
    library is passed on: it may name a proxy's password.
    """
    match exc:
        case ConnectFailed():
            return exc
        case aiohttp.WSServerHandshakeError():
            return refusal(exc.status, exc.message, exc.headers, excerpt)
        case aiohttp.ClientHttpProxyError():
            return ConnectFailed(ConnectFailure.PROXY, f"the proxy answered {exc.status}", status=exc.status)
        case aiohttp.ClientProxyConnectionError():
            return ConnectFailed(ConnectFailure.PROXY, "the proxy cannot be reached")
        case aiohttp.ClientConnectorDNSError():
            return unnamed(exc.host)
        case aiohttp.ClientConnectorCertificateError():
            return _certificate(exc.certificate_error)
        case aiohttp.ClientSSLError():
            return _certificate(exc.os_error)
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return ConnectFailed(ConnectFailure.TIMEOUT, "no answer in time")
        case aiohttp.ClientConnectorError():
            return system_failure(exc.os_error)
        case aiohttp.ClientError() | ValueError():
            return ConnectFailed(ConnectFailure.HANDSHAKE, f"no answer of a WebSocket: {type(exc).__name__}")
        case OSError():
            return system_failure(exc)
    return None


def refusal(status: int, message: str, headers: Mapping[str, str] | None, excerpt: str) -> ConnectFailed:
    """What an answer to the upgrade that is none means."""
    if status == RATE_LIMITED:
        return ConnectFailed(
            ConnectFailure.RATE_LIMITED,
            "too many attempts",
            status=status,
            retry_after=retry_after(headers),
        )
    if status in FORBIDDEN:
        return ConnectFailed(ConnectFailure.FORBIDDEN, f"answered {status}: {excerpt}", status=status)
    if status == PROXY_LOGIN:
        return ConnectFailed(ConnectFailure.PROXY, "the proxy wants a login", status=status)
    if status in SERVER_ERRORS:
        return ConnectFailed(
            ConnectFailure.UNAVAILABLE,
            f"answered {status}",
            status=status,
            retry_after=retry_after(headers),
        )
    if status in REDIRECTS:
        return ConnectFailed(ConnectFailure.HANDSHAKE, "a redirect, which is never followed", status=status)
    return ConnectFailed(ConnectFailure.HANDSHAKE, f"answered {status}: {message}", status=status)


def unnamed(host: str) -> ConnectFailed:
    """A name leads nowhere: most often this machine is not on the network."""
    return ConnectFailed(
        ConnectFailure.NAME,
        f"no address is known for {host}: is this machine online, and does it need a proxy (HTTPS_PROXY)?",
    )


def _certificate(error: Exception) -> ConnectFailed:
    if not isinstance(error, ssl.SSLError):
        return ConnectFailed(ConnectFailure.CERTIFICATE, type(error).__name__)
    told = getattr(error, "verify_message", "") or error.reason or "TLS failed"
    hint = "; is the clock of this machine right?" if "not yet valid" in told else ""
    if isinstance(error, ssl.SSLCertVerificationError) or "VERSION" in (error.reason or ""):
        return ConnectFailed(ConnectFailure.CERTIFICATE, f"{told}{hint}")
    return ConnectFailed(ConnectFailure.HANDSHAKE, f"TLS failed: {told}")


def system_failure(error: OSError) -> ConnectFailed:
    """What the operating system refused."""
    if error.errno in LOCAL_LIMITS:
        return ConnectFailed(ConnectFailure.RESOURCES, "this process may open no more files")
    if isinstance(error, TimeoutError):
        return ConnectFailed(ConnectFailure.TIMEOUT, "no answer in time")
    if isinstance(error, socket.gaierror):
        return unnamed("the host")
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return ConnectFailed(ConnectFailure.REFUSED, name)


def retry_after(headers: Mapping[str, str] | None) -> float | None:
    """Seconds to wait, where they are told as a number; a date is not believed."""
    text = "" if headers is None else headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None
