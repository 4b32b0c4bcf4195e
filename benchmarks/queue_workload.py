"""Frames of channel `level3`: acks, snapshots, then single events with what they bring into view."""

from __future__ import annotations

from random import Random

from benchmarks.market import quantity
from benchmarks.queue_market import Change, Order, QueueMarket
from benchmarks.wire_v2 import WireV2, stamp
from benchmarks.workload import START, Workload, make_pairs


def generate_level3(frames: int, *, symbols: int = 10, depth: int = 10, seed: int = 1) -> Workload:
    """A finite workload of channel `level3`; the same arguments give the same bytes."""
    random = Random(seed)
    wire = WireV2()
    markets = [QueueMarket(pair, random, number) for number, pair in enumerate(make_pairs(symbols, depth))]
    setup = [wire.status(7_204_881_492_680_171_915)]
    for market in markets:
        setup += [_ack(market, wire), _snapshot(market)]
    micros = START
    body = []
    for _ in range(frames):
        micros += 1 + int(random.random() * 400)
        market = markets[int(random.random() * symbols)]
        bids, asks = market.update(micros)
        body.append(_update(market, bids, asks, micros))
    workload = Workload([market.pair for market in markets], setup, body)
    workload.counts["level3"] = frames
    for market in markets:
        price = market.pair.price
        best = (price(abs(market.bids.keys[0])), price(abs(market.asks.keys[0])))
        workload.books[market.pair.symbol] = (*best, market.checksum())
    return workload


def _instant(micros: int) -> str:
    """Nanoseconds on the wire; an order that rested before the start was born just before it."""
    return stamp(micros or START - 1_000_000)[:-1] + "417Z"


def _ack(market: QueueMarket, wire: WireV2) -> bytes:
    result = f'{{"channel":"level3","snapshot":true,"symbol":"{market.pair.symbol}"}}'
    times = f'"time_in":"{wire.time(START)}","time_out":"{wire.time(START + 41)}"'
    return f'{{"method":"subscribe","result":{result},"success":true,{times}}}'.encode()


def _snapshot(market: QueueMarket) -> bytes:
    bids, asks = (
        _rows(market, [_resting(order) for order in side.orders()]) for side in (market.bids, market.asks)
    )
    return (
        f'{{"channel":"level3","type":"snapshot","data":[{{"symbol":"{market.pair.symbol}",'
        f'"checksum":{market.checksum()},"bids":[{bids}],"asks":[{asks}],"timestamp":"{_instant(START)}"}}]}}'
    ).encode()


def _update(market: QueueMarket, bids: list[Change], asks: list[Change], micros: int) -> bytes:
    return (
        f'{{"channel":"level3","type":"update","data":[{{"checksum":{market.checksum()},'
        f'"symbol":"{market.pair.symbol}","timestamp":"{_instant(micros)}",'
        f'"bids":[{_rows(market, bids)}],"asks":[{_rows(market, asks)}]}}]}}'
    ).encode()


def _resting(order: Order) -> Change:
    return Change("", order.order_id, order.ticks, order.units, order.born)


def _rows(market: QueueMarket, changes: list[Change]) -> str:
    return ",".join(
        (f'{{"event":"{change.event}",' if change.event else "{")
        + f'"order_id":"{change.order_id}","limit_price":{market.pair.price(change.ticks)},'
        f'"order_qty":{quantity(change.units)},"timestamp":"{_instant(change.born)}"}}'
        for change in changes
    )
