"""What a client and a handler expose: the right figures, under names and labels that are bounded."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from krakenwire import (
    BookSubscription,
    Client,
    UsageError,
    connect,
    create_kraken_v2_handler,
)
from krakenwire.metrics import register
from krakenwire.metrics.names import METRICS, VALUES
from krakenwire.sim import Exchange
from tests.metrics.exposition import Page, Series, value
from tests.net.virtual import run
from tests.net.world import World, dropping

COUNTERS = {
    name for metric in METRICS.values() if metric.kind in {"counter", "summary"} for name in metric.series
}


def test_figures_are_the_clients() -> None:
    """Frames, proofs, subscriptions, queues and callbacks are exposed as the client itself tells them."""

    async def main() -> None:
        world = World(Exchange(seed=3))
        async with world.client() as kraken:
            page = Page(kraken)
            kraken.subscribe(BookSubscription(symbol=("BTC/USD", "ETH/USD")))
            kraken.on("book", lambda _: None)
            kraken.on("trade", lambda _: None, policy="conflate")
            await asyncio.sleep(20)
            told, found = kraken.statistics(), page.read()
            assert (
                value(found, "krakenwire_frames_total", channel="book") == told["messages_by_channel"]["book"]
            )
            failed = value(found, "krakenwire_checks_total", channel="book", result="failed")
            verified = value(found, "krakenwire_checks_total", channel="book", result="verified")
            assert (failed, verified) == (0.0, told["messages_by_channel"]["book"])
            assert value(found, "krakenwire_verified_time_ratio") == told["verified_time_ratio"]
            assert value(found, "krakenwire_subscriptions", channel="book") == 2
            assert value(found, "krakenwire_subscriptions_live", channel="book") == 2
            assert value(found, "krakenwire_books", channel="book", status="live") == 2
            assert value(found, "krakenwire_connections", role="public", state="connected") == 1
            assert value(found, "krakenwire_connect_budget_left") == 99
            assert value(found, "krakenwire_queues", policy="conflate") == 1
            assert value(found, "krakenwire_callback_seconds_count", event="book") >= verified - 1
            assert 0 <= value(found, "krakenwire_silence_seconds", role="public") < 2
            assert "KRAKEN" not in page.text()

    run(main())


def test_what_goes_wrong_is_counted() -> None:
    """A lost book, its resync, a cut connection and a slow consumer each raise their counter, and no other reason's."""

    async def main() -> None:
        world = World(Exchange(seed=4))
        async with world.client() as kraken:
            page = Page(kraken)
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(5)
            world.link.change = dropping('"channel":"book"', '"update"', times=2)
            await asyncio.sleep(5)
            found = page.read()
            for name in ("krakenwire_books_lost_total", "krakenwire_resyncs_total"):
                assert value(found, name, channel="book") == 1
            assert value(found, "krakenwire_gaps_total", reason="checksum") == 1
            world.link.end("cut")
            await asyncio.sleep(5)
            events = kraken.events(limit=2)
            async with events:
                await asyncio.sleep(5)
                after = page.read()
                assert value(after, "krakenwire_gaps_total", reason="connection_lost") == 1
                assert value(after, "krakenwire_reconnects_total", role="public") == 1
                assert value(after, "krakenwire_queue_longest_events", policy="buffer") == 2
                lost = value(after, "krakenwire_queue_dropped_total")
                assert lost > 10
            assert value(page.read(), "krakenwire_queue_dropped_total") >= lost
            assert value(page.read(), "krakenwire_gaps_total", reason="sequence") == 0

    run(main())


def test_counters_only_rise() -> None:
    """Over lost connections, resyncs and subscriptions that come and go, no counter falls and no series vanishes or comes twice."""

    async def main() -> None:
        world = World(Exchange(seed=5))
        async with world.client() as kraken:
            page = Page(kraken, per_symbol=True)
            before: Series = {}
            for turn in range(8):
                async with kraken.trade(("BTC/USD", "ETH/USD"), limit=2), kraken.book("BTC/USD"):
                    kraken.subscribe(BookSubscription(symbol=("ETH/USD",)))
                    await asyncio.sleep(4)
                    if turn % 2:
                        world.transport.links[-1].end("cut")
                    await asyncio.sleep(4)
                if turn % 3 == 0:
                    kraken.unsubscribe("book")
                now = page.read()
                for name in COUNTERS & before.keys():
                    for labels, was in before[name].items():
                        assert now[name][labels] >= was, (name, labels)
                before = now
            assert value(before, "krakenwire_reconnects_total", role="public") == 4

    run(main())


@pytest.mark.fault("M6")
def test_ten_thousand_symbols_have_bounded_series() -> None:
    """Ten thousand symbols add no series unless asked for, and then as many as allowed, the rest of them together as `_other`."""
    handler = create_kraken_v2_handler()
    plain, symbols = Page(handler), Page(handler, per_symbol=True, max_symbols=200)
    for number in range(10_000):
        trade = {"symbol": f"S{number}/USD", "side": "buy", "price": 1.5, "qty": 2.5, "ord_type": "limit"}
        trade |= {"trade_id": 7, "timestamp": "2024-01-01T00:00:00.000000Z"}
        frame = {"channel": "trade", "type": "update", "data": [trade, trade | {"trade_id": 8}]}
        assert handler.process(json.dumps(frame).encode())
    assert "S1/USD" not in plain.text()
    assert len(plain.text()) < 8_000
    checks = symbols.read()["krakenwire_symbol_checks_total"]
    by_symbol: dict[str, float] = {}
    for labels, count in checks.items():
        by_symbol[dict(labels)["symbol"]] = by_symbol.get(dict(labels)["symbol"], 0.0) + count
    assert len(by_symbol) == 201
    assert len(checks) == 3 * 201
    all_of_them = sum(plain.read()["krakenwire_checks_total"].values())
    assert sum(by_symbol.values()) == all_of_them > 8_000
    assert by_symbol["_other"] == all_of_them - 200


@pytest.mark.fault("M6")
def test_names_from_the_wire_make_no_labels() -> None:
    """Channels, fields and methods that somebody invents share one series."""
    handler = create_kraken_v2_handler()
    page = Page(handler)
    for number in range(3_000):
        handler.process(b'{"channel":"c%d","data":[]}' % number)
        handler.process(b'{"method":"m%d","success":true,"result":{}}' % number)
        handler.process(
            b'{"channel":"ticker","type":"update","data":[{"symbol":"S%d"}],"f%d":1}' % (number, number)
        )
    found = page.read()
    assert sum(len(each) for each in found.values()) < 80
    for name, each in found.items():
        for labels in each:
            for label, told in labels:
                assert label == "version" or told in VALUES[label], (name, label, told)
    assert value(found, "krakenwire_unknown_total") == 6_000


def test_handler_is_exposed() -> None:
    """A handler has the figures that do not belong to a connection; its mode is unknown unless the caller states it."""
    handler = create_kraken_v2_handler()
    page = Page(handler)
    handler.process(b'{"channel":"heartbeat"}')
    handler.process(b"not json")
    found = page.read()
    assert value(found, "krakenwire_frames_total", channel="heartbeat") == 1
    assert value(found, "krakenwire_refused_frames_total") == 1
    assert value(found, "krakenwire_rejected_total", channel="other") == 1
    assert "krakenwire_connections" not in found
    assert 'mode="unknown"' in page.text()
    assert 'mode="live"' in Page(handler, mode="live").text()


@pytest.mark.fault("M4")
def test_mode_is_live_for_kraken_alone() -> None:
    """Only a client of Kraken's own hosts says that it is live."""
    assert 'mode="live"' in Page(connect()).text()
    assert 'mode="sim"' in Page(connect(public_url="ws://127.0.0.1:9/v2")).text()
    assert 'mode="sim"' in Page(connect(rest_url="https://api.kraken.com.example.org")).text()


def test_registry_takes_a_client_once() -> None:
    """A second client in one registry, and options that make no sense, are refused; after the first is gone there is room."""
    registry = CollectorRegistry()
    first = register(connect(), registry)
    with pytest.raises(UsageError, match="registry"):
        register(connect(), registry)
    registry.unregister(first)
    register(connect(), registry)
    with pytest.raises(UsageError, match="mode"):
        register(connect(), CollectorRegistry(), mode="real")
    with pytest.raises(UsageError, match="max_symbols"):
        register(connect(), CollectorRegistry(), per_symbol=True, max_symbols=-1)


async def test_other_threads_may_scrape() -> None:
    """A thread reads the figures through the client's loop; while that is blocked it is told 0 for `up`, and nothing that looks alive."""
    pages: list[Series] = []
    async with Client(stall_limit=None) as kraken:
        page = Page(kraken)
        await asyncio.to_thread(lambda: pages.append(page.read()))
        assert value(pages[0], "krakenwire_up") == 1
        assert "krakenwire_gaps_total" in pages[0]
        thread = threading.Thread(target=lambda: pages.append(page.read()))
        thread.start()
        time.sleep(2.3)  # noqa: ASYNC251 (the loop is blocked on purpose)
        thread.join()
        assert pages[1].keys() == {"krakenwire_info", "krakenwire_up"}
        assert value(pages[1], "krakenwire_up") == 0
    assert value(page.read(), "krakenwire_up") == 1


WITHOUT = """
import sys
sys.modules["prometheus_client"] = None
import krakenwire, krakenwire.metrics
try:
    krakenwire.metrics.register(krakenwire.connect())
except krakenwire.UsageError as exc:
    print(exc)
"""


def test_extra_is_named_where_it_is_missing() -> None:
    """Without prometheus-client the module imports, and using it says what to install."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert "pip install 'krakenwire[metrics]'" in done.stdout


def test_every_name_follows_the_conventions() -> None:
    """Names are in snake case with their unit, counters end in `_total`, and the text parses in both forms of the exposition."""
    assert all(metric.name.startswith("krakenwire") for metric in METRICS.values())
    assert all(name.endswith(("_total", "_sum", "_count")) for name in COUNTERS)
    assert all(metric.text.endswith(".") or metric.text.endswith("asked.") for metric in METRICS.values())
    page = Page(connect())
    assert b"# TYPE krakenwire_gaps_total counter" in generate_latest(page.registry)
