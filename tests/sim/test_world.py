"""The whole private side under random traders: money, orders and reports agree at every step."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from krakenwire.sim.channels import ORDER_METHODS
from krakenwire.wire.enums import ExecType
from tests.sim.deeds import World
from tests.sim.traders import Reader


@given(seed=st.integers(0, 10_000))
def test_world_holds_for_any_traders(seed: int) -> None:
    """Whatever traders do: money is neither made nor lost, no order is lost or filled beyond its size, and sessions know everything."""
    world = World(seed)
    for _ in range(12):
        world.do()


def test_world_holds_for_long() -> None:
    """The same for a thousand deeds, in which everything happened that can happen to an order; who comes late knows as much."""
    world = World(7)
    for _ in range(1_000):
        world.do()
    kinds = sum((reader.kinds for reader in world.readers), Counter[str]())
    assert kinds.keys() == {kind.value for kind in ExecType}
    assert set(world.answers) >= ORDER_METHODS
    late = Reader(max(world.traders, key=lambda trader: len(trader.account.orders)))
    for _ in range(3):
        late.read(world.now)
    late.check()
    assert late.session.account.orders.open_orders()
