"""Secrets stay out of all that a program may show of itself when it fails: tracebacks with variables, reports of a crash, debug logs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import krakenwire
from krakenwire import Credentials, ExecutionsSubscription, Level3Subscription, connect
from krakenwire.logs.redaction import forms
from krakenwire.metrics import serve
from krakenwire.sim import Exchange, invented
from krakenwire.sim.background import Simulated
from tests.metrics.test_server import ask
from tests.net.virtual import run
from tests.net.waiting import until
from tests.net.world import World

KEY = "canary-of-the-public/key+0123456789"
PRIVATE = base64.b64encode(bytes(range(100, 164))).decode()
PACKAGE = str(Path(krakenwire.__file__).parent)

OPEN = {
    "wire/secret.py": "it is what hides them",
    "wire/encoding.py": "a request becomes text; it raises only for what the caller put into it, before the token is there",
    "net/token.py:_read": "decodes the answer that is the token",
    "net/token.py:__init__": "takes what the caller gave, and wraps it in its first two lines",
}
"""Places in which a secret is a plain variable for a moment, and why that can be."""


def sims(frame: FrameType) -> bool:
    """The simulated exchange's own code: its secrets are worth nothing."""
    return f"{PACKAGE}/sim/" in frame.f_code.co_filename


class Watcher:
    """Looks at every variable of every function of the package, line by line, as a traceback there would show them."""

    def __init__(self) -> None:
        self.secrets = {KEY, PRIVATE, repr(base64.b64decode(PRIVATE))[2:-1]}
        self.found: set[str] = set()
        self.lines = 0

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(PACKAGE) or sims(frame):
            return None
        if event == "call":
            frame.f_trace_opcodes = False
            return self.look
        return None

    def look(self, frame: FrameType, event: str, arg: object) -> Any:
        self.lines += 1
        place = f"{frame.f_code.co_filename.removeprefix(PACKAGE + '/')}"
        if place not in OPEN and f"{place}:{frame.f_code.co_name}" not in OPEN:
            for variable, value in frame.f_locals.items():
                text = ""
                with contextlib.suppress(Exception):  # half-made objects have no repr
                    text = repr(value)
                if any(secret in text for secret in self.secrets):
                    self.found.add(f"{place}:{frame.f_lineno} {frame.f_code.co_name}: {variable}")
        return self.look


@pytest.mark.fault("M1")
def test_no_variable_shows_a_secret_at_any_line() -> None:
    """Wherever the library fails, a traceback with local variables shows no key, no signature's key and no token.

    While a private session is set up, loses its connection and comes back, every variable of every line that runs is looked at.
    """
    watcher = Watcher()

    async def main() -> None:
        world = World(Exchange(seed=10, markets=invented(1, rate=0.01)))
        issue = world.exchange.tokens.issue

        def issued(*args: Any) -> str:
            token = issue(*args)
            watcher.secrets.add(token)
            return token

        world.exchange.tokens.issue = issued  # type: ignore[method-assign,assignment]
        async with world.client(credentials=Credentials(KEY, PRIVATE)) as kraken:
            kraken.subscribe(ExecutionsSubscription())
            kraken.subscribe(Level3Subscription(symbol=tuple(world.exchange.markets)))
            await asyncio.sleep(3)
            for link in list(world.transport.links):
                link.end("cut")
            await asyncio.sleep(3)
            kraken.unsubscribe("executions")
            await asyncio.sleep(1)

    sys.settrace(watcher)
    try:
        run(main())
    finally:
        sys.settrace(None)
    assert len(watcher.secrets) >= 5
    assert watcher.lines > 5_000
    assert watcher.found == set(), "\n".join(sorted(watcher.found))


def shown(error: BaseException) -> str:
    """A traceback as a reporter of crashes makes it: the library's frames with their variables, and those of every cause."""
    texts: list[str] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        texts.append(f"{type(each).__name__}: {each} {each!r} {vars(each)}")
        stack = traceback.StackSummary.extract(traceback.walk_tb(each.__traceback__), capture_locals=True)
        texts += [f"{frame.name} {frame.locals}" for frame in stack if frame.filename.startswith(PACKAGE)]
        waiting += [each.__cause__, each.__context__]
    assert any("{" in text for text in texts)
    return "\n".join(texts)


def leaks(text: str, *more: str) -> list[str]:
    """Which secrets are in a text, in any form."""
    return [secret for secret in (KEY, PRIVATE, *more) if any(form in text for form in forms(secret))]


@pytest.mark.fault("M1")
def test_crash_with_variables_shows_nothing() -> None:
    """A transport that crashes in the middle of asking for a token is told without keys and signature, though every variable is shown."""
    errors: list[BaseException] = []

    async def main() -> None:
        world = World(Exchange(seed=10, markets=invented(1, rate=0.01)))

        def crash(url: str, body: bytes | None) -> None:
            raise ZeroDivisionError

        world.transport.answer = crash
        async with world.client(credentials=Credentials(KEY, PRIVATE)) as kraken:
            kraken.on_error(errors.append)
            kraken.subscribe(ExecutionsSubscription())
            await asyncio.sleep(0.5)

    run(main())
    text = "\n".join(map(shown, errors))
    assert "_ask" in text
    assert "ZeroDivisionError" in text
    assert leaks(text) == []


@pytest.mark.fault("M1")
@pytest.mark.parametrize("private", ["no-base64-and/yet+a-secret-of-somebody", PRIVATE[:-3] + "?=="])
def test_refused_key_is_not_shown(private: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private key that is none is refused without a word of it, given as an argument or in the environment."""
    with pytest.raises(krakenwire.UsageError) as caught:
        Credentials(KEY, private)
    assert leaks(shown(caught.value), private) == []
    monkeypatch.setenv("KRAKEN_API_KEY", KEY)
    monkeypatch.setenv("KRAKEN_API_SECRET", private)
    with pytest.raises(krakenwire.UsageError) as caught:
        Credentials.from_environment()
    assert leaks(shown(caught.value), private) == []


@pytest.mark.fault("M1")
async def test_debug_logs_and_metrics_hold_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """Over real sockets, with the event loop in debug mode and every logger on, no log record, figure or answer holds a key or a token."""
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0  # every callback is logged, with the repr of what it was called with
    try:
        with Simulated(markets=["BTC/USD"]) as exchange:
            secrets = [exchange.key.key, exchange.key.secret.reveal()]
            urls = exchange.urls
            async with (
                connect(
                    public_url=urls.public,
                    private_url=urls.private,
                    level3_url=urls.level3,
                    rest_url=urls.rest,
                    credentials=Credentials(*secrets),
                ) as kraken,
                serve(kraken, port=0, per_symbol=True) as server,
            ):
                kraken.subscribe(ExecutionsSubscription())
                kraken.subscribe(Level3Subscription(symbol=("BTC/USD",)))
                await until(lambda: server.readiness().ready and server.readiness().live == 2)
                answers = [(await ask(server, path))[2] for path in ("/metrics", "/readyz", "/healthz")]
                secrets += exchange.call(lambda there, _: list(vars(there.tokens)["_issued"]))
                text = "\n".join(
                    [*answers, *(repr(vars(each)) for each in caplog.records), repr(vars(kraken))]
                )
    finally:
        loop.set_debug(False)
    assert len(secrets) >= 4
    assert len(caplog.records) > 50
    assert "Executing" in caplog.text
    assert [secret for secret in secrets if any(form in text for form in forms(secret))] == []
