"""What can be configured: every key with its type, its default, and the variable and the option that come before a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from krakenwire.errors import UsageError
from krakenwire.logs.lines import LEVELS
from krakenwire.net.hosts import LEVEL3, PRIVATE, PUBLIC, REST
from krakenwire.net.token import KEY_VARIABLE, SECRET_VARIABLE
from krakenwire.net.transport import check_url
from krakenwire.wire.book import BOOK_DEPTHS
from krakenwire.wire.market import OHLC_INTERVALS

FORMS = ("auto", "table", "json", "ndjson")
"""Forms of output."""


class Wrong(Exception):
    """A value that a key cannot have. The text says what is expected; it never repeats the value, which may be a secret."""


Read = Callable[[object], Any]
"""Makes of what a file or a variable holds what a command uses. Raises: Wrong."""


class Key(Struct, frozen=True, kw_only=True):
    """One thing that can be configured."""

    name: str
    """As in a file; what stands before a point is the table there."""
    meaning: str
    read: Read
    default: Any = None
    variable: str | None = None
    flag: str | None = None
    secret: bool = False
    """Whether it is shown as set or not set only."""
    path: bool = False
    """Whether it names a file; a relative name in a file is seen from the folder of that file."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Wrong(f"a text is expected, not {kind_of(value)}")
    if not value:
        raise Wrong("a text is expected, not an empty one")
    return value


def _one_of(*legal: str) -> Read:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in legal:
            raise Wrong(f"one of {', '.join(legal)} is expected{_instead(value, str)}")
        return value

    return read


def _number_of(*legal: int) -> Read:
    def read(value: object) -> int:
        if type(value) is not int or value not in legal:
            raise Wrong(f"one of the numbers {', '.join(map(str, legal))} is expected{_instead(value, int)}")
        return value

    return read


def _url(secure: str, plain: str) -> Read:
    def read(value: object) -> str:
        try:
            return check_url(_text(value), schemes=(secure, plain))
        except UsageError as exc:
            raise Wrong(exc.rule) from None

    return read


def _instead(value: object, expected: type) -> str:
    return "" if type(value) is expected else f", not {kind_of(value)}"


def kind_of(value: object) -> str:
    """What a file holds, in words."""
    kinds = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "a time")


WEB_SOCKET = _url("wss", "ws")

KEY_HINT = f"set {KEY_VARIABLE} and {SECRET_VARIABLE} in the environment, or give --credentials-file; --sim needs none"
"""What to do where an API key is needed."""

KEYS = (
    Key(name="output", meaning="form of the output", read=_one_of(*FORMS), default="auto", flag="--output"),
    Key(
        name="depth",
        meaning="levels a side of a book",
        read=_number_of(*BOOK_DEPTHS),
        default=10,
        flag="--depth",
    ),
    Key(
        name="interval",
        meaning="minutes of a candle",
        read=_number_of(*OHLC_INTERVALS),
        default=1,
        flag="--interval",
    ),
    Key(name="cafile", meaning="file with the certificates to trust", read=_text, flag="--cafile", path=True),
    Key(
        name="log.format",
        meaning="a log on stderr, of lines or of objects",
        read=_one_of("text", "json"),
        variable="KRAKENWIRE_LOG_FORMAT",
        flag="--log-format",
    ),
    Key(
        name="log.level",
        meaning="a log on stderr of what is so grave, or graver",
        read=_one_of(*LEVELS),
        variable="KRAKENWIRE_LOG_LEVEL",
        flag="--log-level",
    ),
    Key(
        name="urls.public",
        meaning="market data",
        read=WEB_SOCKET,
        default=PUBLIC,
        variable="KRAKEN_WS_PUBLIC_URL",
        flag="--url",
    ),
    Key(
        name="urls.private",
        meaning="executions, balances and orders",
        read=WEB_SOCKET,
        default=PRIVATE,
        variable="KRAKEN_WS_AUTH_URL",
        flag="--url",
    ),
    Key(
        name="urls.level3",
        meaning="single orders of a book",
        read=WEB_SOCKET,
        default=LEVEL3,
        variable="KRAKEN_WS_L3_URL",
        flag="--url",
    ),
    Key(
        name="urls.rest",
        meaning="HTTP",
        read=_url("https", "http"),
        default=REST,
        variable="KRAKEN_SPOT_URL",
        flag="--url",
    ),
    Key(
        name="credentials.file",
        meaning="file with an API key that only its owner can read",
        read=_text,
        flag="--credentials-file",
        path=True,
    ),
    Key(name="credentials.key", meaning="API key", read=_text, variable=KEY_VARIABLE, secret=True),
    Key(name="credentials.secret", meaning="private key", read=_text, variable=SECRET_VARIABLE, secret=True),
)
"""Every key, in the order in which they are shown."""

BY_NAME = {key.name: key for key in KEYS}

VARIABLES = {
    **{key.variable: key.meaning for key in KEYS if key.variable is not None},
    "HTTPS_PROXY": "a proxy to connect through",
    "XDG_CONFIG_HOME": "folder of the user's file, krakenwire/config.toml in it; default ~/.config",
    "NO_COLOR": "set to anything: no colour",
}
"""Every variable of the environment that means something to a command."""
