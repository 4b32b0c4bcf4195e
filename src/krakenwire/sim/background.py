"""A simulated exchange that runs beside a program, in a thread of its own: for tests and for the command line.

with Simulated(seed=7) as sim:
    connect_my_bot(sim.urls.public)
    sim.fault("at 0 s: cut")
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

from krakenwire.errors import UsageError
from krakenwire.sim.catalog import DEFAULT, Listing
from krakenwire.sim.certificate import throw_away
from krakenwire.sim.exchange import Exchange
from krakenwire.sim.faults import FaultScript
from krakenwire.sim.places import Urls
from krakenwire.sim.private.account import ApiKey
from krakenwire.sim.private.accounts import Accounts
from krakenwire.sim.rules import Rules
from krakenwire.sim.server import Server
from krakenwire.sim.truth import TruthLog

T = TypeVar("T")

ACCOUNT = "trader"
BALANCES: Mapping[str, Decimal | int | str] = {
    "USD": 100_000,
    "EUR": 100_000,
    "BTC": 5,
    "ETH": 50,
    "SOL": 500,
}
"""What the account begins with."""

SERVED = Rules(outgoing_limit=20_000)
"""The rules, unless others are given."""


class Simulated:
    """A running exchange with one account, a fault script and a truth log.

    `markets`: names of known markets, or listings. `faults`: a fault script. `speed`: seconds of the exchange in a real one. `tls`: with a
    throw-away certificate. `epoch`: the instant at which it begins, ns since 1970; None: the present when it starts. `truth`: a log that
    keeps more than the last thousand of each. The other options are those of `Server`.

    `exchange`, `truth` and `accounts` belong to the thread of the exchange: reach them through `call`, or once it has stopped.

    Raises: UsageError for options that make no sense; OSError, if the address or the port is not to be had.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        markets: Sequence[str | Listing] = DEFAULT,
        faults: str = "",
        speed: float = 1.0,
        tls: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote: bool = False,
        rules: Rules = SERVED,
        epoch: int | None = None,
        balances: Mapping[str, Decimal | int | str] = BALANCES,
        truth: TruthLog | None = None,
    ) -> None:
        self.seed = seed
        self.truth = truth or TruthLog()
        self._in_the_present = epoch is None
        made = time.time_ns() if epoch is None else epoch
        self.exchange = Exchange(seed=seed, markets=markets, epoch=made, rules=rules, truth=self.truth)
        self.script = FaultScript(faults, seed=seed).install(self.exchange)
        self.accounts = Accounts(self.exchange, seed=seed)
        self.key: ApiKey = self.accounts.new_key(self.accounts.open(ACCOUNT, balances))
        """The key of the account. It is worth nothing."""
        self.authority: Path | None = None
        """With TLS, a file with the authority that clients have to trust."""
        certificate = throw_away([host]) if tls else None
        self._pem = None if certificate is None else certificate.authority
        self.server = Server(
            self.exchange,
            host=host,
            port=port,
            tls=None if certificate is None else certificate.context,
            speed=speed,
            allow_remote=allow_remote,
        )
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None

    # ---------------------------------------------------------------- life

    def start(self) -> None:
        """Listen; returns when clients can connect."""
        if self._thread is not None:
            raise UsageError("an exchange starts once")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulated exchange", daemon=True)
        self._thread.start()
        try:
            self._do(self._listen())
        except BaseException:
            self.stop()
            raise
        if self._pem is not None:
            with tempfile.NamedTemporaryFile(prefix="krakenwire-ca-", suffix=".pem", delete=False) as file:
                file.write(self._pem)
            self.authority = Path(file.name)

    async def _listen(self) -> None:
        if self._in_the_present:
            self.exchange.begin(time.time_ns())
        await self.server.start()

    def stop(self) -> None:
        """Say goodbye to every client and end. Once more changes nothing."""
        if self._thread is not None and self._thread.is_alive():
            self._do(self.server.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        if self.authority is not None:
            self.authority.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---------------------------------------------------------------- what it is

    @property
    def urls(self) -> Urls:
        """Where clients connect to."""
        return self.server.urls

    @property
    def environment(self) -> dict[str, str]:
        """What a program has to find in its environment, if it reads the names that Kraken's own command line uses."""
        urls = self.urls
        told = {
            "KRAKEN_WS_PUBLIC_URL": urls.public,
            "KRAKEN_WS_AUTH_URL": urls.private,
            "KRAKEN_WS_L3_URL": urls.level3,
            "KRAKEN_SPOT_URL": urls.rest,
            "KRAKEN_API_KEY": self.key.key,
            "KRAKEN_API_SECRET": self.key.secret.reveal(),
        }
        return told if self.authority is None else told | {"SSL_CERT_FILE": str(self.authority)}

    # ---------------------------------------------------------------- what a test does to it

    def fault(self, script: str) -> None:
        """Let something go wrong, in the words of a fault script whose times count from now.

        Raises: UsageError, which names line and word of a mistake.
        """
        self.call(lambda _, now: self.script.add(script, since=now))

    def call(self, action: Callable[[Exchange, float], T]) -> T:
        """Do something to the exchange, or ask it something, in its own thread. It is given the present in seconds, as `now=` wants it.

        Raises: whatever the action raises.
        """

        async def act() -> T:
            return action(self.exchange, self.server.look())

        return self._do(act())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread():
            work.close()
            raise UsageError("the exchange does not run, or this is its own thread")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
