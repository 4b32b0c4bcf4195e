"""One account's orders, as reports of channel `executions`: accepted, live, then filled or cancelled, in
endless order.
"""

from __future__ import annotations

from benchmarks.market import Pair
from benchmarks.wire_v2 import stamp


class Account:
    """Makes the reports of one order after the other; `sequence` counts the frames of the channel."""

    def __init__(self) -> None:
        self.sequence = 1
        self.orders = 0
        self.step = 0
        self.pair: Pair | None = None

    def report(self, pair: Pair, micros: int) -> tuple[str, int]:
        """The next report as JSON text, and the frame's sequence number."""
        if self.step == 0 or self.pair is None:
            self.pair = pair
            self.orders += 1
        ending = (self._cancelled,) if self.orders % 2 else (self._fill, self._filled)
        steps = (self._pending, self._new, *ending)
        text = steps[self.step](self.pair, stamp(micros))
        self.step = (self.step + 1) % len(steps)
        self.sequence += 1
        return text, self.sequence

    def _ids(self) -> str:
        return f'"order_id":"OAAAAA-BBBBB-{self.orders:06d}","cl_ord_id":"my-{self.orders:06d}"'

    def _pending(self, pair: Pair, when: str) -> str:
        return (
            f'{{{self._ids()},"symbol":"{pair.symbol}","order_qty":2.00000000,"cum_cost":0.00000,'
            f'"time_in_force":"GTC","exec_type":"pending_new","side":"buy","order_type":"limit",'
            f'"limit_price_type":"static","limit_price":{pair.price(pair.ticks)},"stop_price":0.00,'
            f'"order_status":"pending_new","fee_usd_equiv":0.00000,"fee_ccy_pref":"fciq","timestamp":"{when}"}}'
        )

    def _new(self, _pair: Pair, when: str) -> str:
        return f'{{"timestamp":"{when}","order_status":"new","exec_type":"new",{self._ids()}}}'

    def _fill(self, pair: Pair, when: str) -> str:
        price = pair.price(pair.ticks)
        return (
            f'{{{self._ids()},"exec_id":"TAAAAA-BBBBB-{self.orders:06d}","exec_type":"trade",'
            f'"trade_id":{5_100_000 + self.orders},"symbol":"{pair.symbol}","side":"buy",'
            f'"last_qty":2.00000000,"last_price":{price},"liquidity_ind":"m","cost":282.00000,"order_type":"limit",'
            f'"timestamp":"{when}","order_status":"partially_filled","cum_qty":2.00000000,"cum_cost":282.00000,'
            f'"avg_price":{price},"fee_usd_equiv":0.45120,"fees":[{{"asset":"USD","qty":0.45120}}]}}'
        )

    def _filled(self, pair: Pair, when: str) -> str:
        return (
            f'{{"timestamp":"{when}","order_status":"filled","exec_type":"filled","cum_qty":2.00000000,'
            f'"cum_cost":282.00000,"fee_usd_equiv":0.45120,"avg_price":{pair.price(pair.ticks)},{self._ids()}}}'
        )

    def _cancelled(self, _pair: Pair, when: str) -> str:
        return (
            f'{{"timestamp":"{when}","order_status":"canceled","exec_type":"canceled","cum_qty":0.00000000,'
            f'"cum_cost":0.00000,"fee_usd_equiv":0.00000,"avg_price":0.00,"reason":"User requested",'
            f'"cancel_reason":"User requested",{self._ids()}}}'
        )
