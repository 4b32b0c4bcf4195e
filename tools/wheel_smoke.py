"""Use the installed package: import all of it, ask for its version, prove one order book.

Runs in the clean environment of `wheel_test`, with the standard library and the package alone.
"""

import importlib
import importlib.metadata
import importlib.resources
import pkgutil
import subprocess
import sys
import zlib
from decimal import Decimal
from pathlib import Path

import krakenwire

# A small market of our own, best level first: price and quantity as text.
BIDS = [("2500.10", "0.50000000"), ("2500.05", "12.00000000"), ("2499.90", "0.07500000")]
ASKS = [("2500.20", "1.25000000"), ("2500.45", "0.00310000")]


def _digits(token: str) -> str:
    return token.replace(".", "").lstrip("0")


def _levels(side: list[tuple[str, str]]) -> str:
    return ",".join(f'{{"price":{price},"qty":{qty}}}' for price, qty in side)


def snapshot_frame() -> bytes:
    """A book snapshot with the checksum Kraken would send: digits of the asks, then of the bids."""
    checksum = zlib.crc32("".join(_digits(price) + _digits(qty) for price, qty in ASKS + BIDS).encode())
    return (
        '{"channel":"book","type":"snapshot","data":[{"symbol":"ETH/USD",'
        f'"bids":[{_levels(BIDS)}],"asks":[{_levels(ASKS)}],'
        f'"checksum":{checksum},"timestamp":"2026-01-05T09:30:00.000000Z"}}]}}'
    ).encode()


EXTRAS = {"prometheus_client", "pytest", "textual"}
"""Packages that the wheel does not bring along."""


def _files() -> list[importlib.metadata.PackagePath]:
    return importlib.metadata.files("krakenwire") or []


def check_imports() -> None:
    """Every module of the package can be imported, and the wheel carries the type marker and the licence."""
    for module in pkgutil.walk_packages(krakenwire.__path__, "krakenwire."):
        if module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as exc:
            # What draws, counts or tests needs an extra, which is not installed here; what leads to it does not.
            if (exc.name or "").partition(".")[0] not in EXTRAS or module.ispkg:
                raise
    for name in krakenwire.__all__:
        getattr(krakenwire, name)
    assert (importlib.resources.files("krakenwire") / "py.typed").is_file()
    files = _files()
    assert any(file.name == "LICENSE" for file in files), "the wheel has no licence"
    folders = {file.parts[0] for file in files}
    assert not folders & {"tests", "tools", "benchmarks"}, f"the wheel has too much: {folders}"


def check_compiled() -> None:
    """A compiled module that the wheel carries is in use."""
    carried = any(file.name.startswith("_side.") and file.suffix != ".pyi" for file in _files())
    assert carried == importlib.import_module("krakenwire.state.side").COMPILED, (
        "the compiled module is not in use"
    )


def check_command() -> None:
    """The command exists and prints the version of the installed package."""
    command = Path(sys.executable).with_name("krakenwire")
    version = importlib.metadata.version("krakenwire")
    printed = subprocess.run([command, "--version"], check=True, capture_output=True, text=True).stdout
    assert version in printed, f"{printed!r} does not name {version}"


def check_book() -> None:
    """One snapshot goes in, one verified book with its exact digits comes out."""
    events: list[krakenwire.OrderBookUpdate] = []
    handler = krakenwire.create_kraken_v2_handler()
    handler.register_callback("book", events.append)
    assert handler.process(snapshot_frame())
    (event,) = events
    assert event.verified
    assert event.symbol == "ETH/USD"
    assert (event.best_bid, event.best_ask) == (Decimal("2500.10"), Decimal("2500.20"))
    assert handler.get_statistics()["error_count"] == 0


if __name__ == "__main__":
    check_imports()
    check_compiled()
    check_command()
    check_book()
    print(f"krakenwire {importlib.metadata.version('krakenwire')} works as installed")
