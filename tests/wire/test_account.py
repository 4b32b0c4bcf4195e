"""`wire/account.py`: executions and balances decode to what is written beside them, and bad entries are
found.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from krakenwire.wire.account import (
    BalanceEntry,
    BalancesMessage,
    ExecutionReport,
    ExecutionsMessage,
    Fee,
    TriggerReport,
    problem,
)
from krakenwire.wire.enums import ExecType, MessageType
from tests.vectors import account
from tests.vectors.vector import Vector, digits

DECODER = msgspec.json.Decoder(ExecutionsMessage | BalancesMessage, float_hook=str)
ENCODER = msgspec.json.Encoder(decimal_format="number")

FILL: ExecutionReport = account.FILL.message.data[0]
LEDGER_ENTRY: BalanceEntry = account.LEDGER_ENTRY.message.data[0]
BALANCE_ROW: BalanceEntry = account.BALANCE_SNAPSHOT.message.data[0]


def entry_with(vector: Vector, **changes: object) -> bytes:
    """The vector's frame with fields of its first entry changed; `...` removes one."""
    frame = json.loads(vector.frame, parse_float=Decimal)
    for name, value in changes.items():
        if value is ...:
            del frame["data"][0][name]
        else:
            frame["data"][0][name] = value
    return ENCODER.encode(frame)


@pytest.mark.parametrize("vector", account.VECTORS, ids=lambda vector: vector.name)
def test_decodes(vector: Vector) -> None:
    """Each frame decodes to exactly the message written beside it, digit for digit."""
    assert digits(DECODER.decode(vector.frame)) == digits(vector.message)


@pytest.mark.parametrize("vector", account.VECTORS, ids=lambda vector: vector.name)
def test_decodes_what_it_encodes(vector: Vector) -> None:
    """Encoding and decoding again loses neither a field nor a digit."""
    assert digits(DECODER.decode(ENCODER.encode(vector.message))) == digits(vector.message)


@pytest.mark.parametrize("vector", account.VECTORS, ids=lambda vector: vector.name)
def test_vectors_have_no_problem(vector: Vector) -> None:
    """No entry that Kraken documents or sends is refused."""
    assert [problem(entry, vector.message.type) for entry in vector.message.data] == [None] * len(
        vector.message.data
    )


def test_every_field_is_in_a_vector() -> None:
    """One vector carries every field of an execution report, so that none is left untested."""
    report = account.EVERY_FIELD.message.data[0]
    assert [name for name in report.__struct_fields__ if getattr(report, name) is None] == []


@pytest.mark.conformance
def test_recorded_frames(conformance_data: Path) -> None:
    """Every recorded executions and balances frame decodes under the strict types and has no problem."""
    seen = 0
    for file in sorted((conformance_data / "kraken_v2").rglob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            if line.startswith((b'{"channel":"executions","type"', b'{"channel":"balances"')):
                message = DECODER.decode(line)
                assert [problem(entry, message.type) for entry in message.data] == [None] * len(message.data)
                seen += 1
    assert seen >= 16


@pytest.mark.fault("J6")
@pytest.mark.parametrize(
    "field",
    [
        "exec_type",
        "order_status",
        "side",
        "order_type",
        "limit_price_type",
        "time_in_force",
        "liquidity_ind",
        "fee_ccy_pref",
        "position_status",
        "trigger",
    ],
)
def test_unknown_execution_values(field: str) -> None:
    """A value that Kraken added yesterday is kept as text and flagged, in every field with a list of
    values.
    """
    message = DECODER.decode(entry_with(account.EVERY_FIELD, **{field: "brand-new"}))
    value = getattr(message.data[0], field)
    assert (value, value.known) == ("brand-new", False)


@pytest.mark.fault("J6")
@pytest.mark.parametrize("field", ["type", "category", "wallet_type", "wallet_id", "asset_class"])
def test_unknown_ledger_values(field: str) -> None:
    """An unknown kind of ledger entry is kept as text and flagged, and is no reason to refuse the entry."""
    message = DECODER.decode(entry_with(account.LEDGER_ENTRY, **{field: "brand-new"}))
    value = getattr(message.data[0], field)
    assert (value, value.known) == ("brand-new", False)
    assert problem(message.data[0], message.type) is None


@pytest.mark.fault("J7")
@pytest.mark.parametrize("field", ["order_id", "exec_type", "order_status", "timestamp"])
def test_required_execution_fields(field: str) -> None:
    """A report without order, kind, state or time does not decode."""
    with pytest.raises(msgspec.ValidationError, match=f"missing required field `{field}`"):
        DECODER.decode(entry_with(account.FILL, **{field: ...}))


@pytest.mark.fault("J7")
@pytest.mark.parametrize("field", ["asset", "balance"])
@pytest.mark.parametrize("vector", [account.BALANCE_SNAPSHOT, account.LEDGER_ENTRY], ids=["row", "entry"])
def test_required_balance_fields(vector: Vector, field: str) -> None:
    """A balance without asset or amount held does not decode, in either shape."""
    with pytest.raises(msgspec.ValidationError, match=f"missing required field `{field}`"):
        DECODER.decode(entry_with(vector, **{field: ...}))


@pytest.mark.fault("J7")
@pytest.mark.parametrize("field", ["exec_id", "symbol", "side", "last_qty", "last_price"])
def test_fill_needs(field: str) -> None:
    """A fill without identity, market, side, quantity or price is refused, never completed."""
    message = DECODER.decode(entry_with(account.FILL, **{field: ...}))
    assert problem(message.data[0], message.type) == f"fill without {field}"


def test_order_reports_need_no_fill() -> None:
    """Reports that are no fill may lack everything a fill must have: Kraken sends them so."""
    report = replace(
        FILL, exec_type=ExecType.FILLED, exec_id=None, last_qty_text=None, last_price_text=None, symbol=None
    )
    assert problem(report, MessageType.UPDATE) is None


@pytest.mark.fault("J7")
@pytest.mark.parametrize("field", ["ledger_id", "ref_id", "timestamp", "type", "amount", "fee"])
def test_ledger_entry_needs(field: str) -> None:
    """A ledger entry without identity, time, kind, amount or fee is refused."""
    message = DECODER.decode(entry_with(account.LEDGER_ENTRY, **{field: ...}))
    assert problem(message.data[0], message.type) == f"ledger entry without {field}"


def test_row_in_an_update() -> None:
    """A snapshot row in an update changes nothing it could name, so it is refused."""
    assert problem(BALANCE_ROW, MessageType.UPDATE) == (
        "ledger entry without ledger_id, ref_id, timestamp, type, amount, fee"
    )


def test_ledger_entry_in_a_snapshot() -> None:
    """A ledger entry in a snapshot is a change where a state was expected, so it is refused."""
    assert problem(LEDGER_ENTRY, MessageType.SNAPSHOT) == "ledger entry in a snapshot"


@pytest.mark.fault("J8")
@pytest.mark.parametrize(
    ("vector", "field", "value"),
    [
        (account.FILL, "last_qty", True),
        (account.FILL, "last_qty", []),
        (account.FILL, "last_price", {}),
        (account.FILL, "last_price", "1.5e"),
        (account.FILL, "trade_id", "7"),
        (account.FILL, "trade_id", Decimal("7.0")),
        (account.FILL, "order_id", 7),
        (account.FILL, "order_id", None),
        (account.FILL, "timestamp", 7),
        (account.FILL, "side", 1),
        (account.FILL, "exec_type", None),
        (account.FILL, "post_only", 1),
        (account.FILL, "fees", {"asset": "USD"}),
        (account.FILL, "fees", [{"asset": "USD"}]),
        (account.FILL, "triggers", []),
        (account.LEDGER_ENTRY, "amount", False),
        (account.LEDGER_ENTRY, "balance", None),
        (account.LEDGER_ENTRY, "asset", None),
        (account.BALANCE_SNAPSHOT, "wallets", {}),
        (account.BALANCE_SNAPSHOT, "wallets", [7]),
    ],
)
def test_wrong_types(vector: Vector, field: str, value: object) -> None:
    """A value of the wrong type is refused, with the field named: by the types, or where a number is wanted, by the check."""
    try:
        message = DECODER.decode(entry_with(vector, **{field: value}))
    except msgspec.ValidationError as error:
        reason: str | None = str(error)
    else:
        reason = problem(message.data[0], message.type)
    assert field in str(reason)


@pytest.mark.fault("J8")
def test_numbers_as_text() -> None:
    """A number written as text is read with its digits: some of Kraken's documents show it so."""
    message = DECODER.decode(entry_with(account.FILL, last_qty="2.00000000"))
    assert digits(message.data[0].last_qty) == digits(Decimal("2.00000000"))


@pytest.mark.fault("J5")
@pytest.mark.parametrize("vector", [account.FILL, account.LEDGER_ENTRY], ids=["execution", "ledger"])
def test_unknown_fields_are_noticed(vector: Vector) -> None:
    """The strict types refuse a field they do not know, and name it: that is how drift is noticed."""
    with pytest.raises(msgspec.ValidationError, match="unknown field `brand_new`"):
        DECODER.decode(entry_with(vector, brand_new=1))


@pytest.mark.fault("J9")
@pytest.mark.parametrize(
    ("entry", "kind", "reason"),
    [
        (replace(FILL, last_qty_text="NaN"), MessageType.UPDATE, "last_qty: not a number"),
        (replace(FILL, last_price_text="Infinity"), MessageType.UPDATE, "last_price: not a number"),
        (replace(FILL, cum_cost_text="1e999999"), MessageType.UPDATE, "cum_cost: too large"),
        (replace(FILL, last_qty_text=0), MessageType.UPDATE, "last_qty: zero"),
        (replace(FILL, last_price_text="0.0"), MessageType.UPDATE, "last_price: zero"),
        (replace(FILL, last_qty_text=-1), MessageType.UPDATE, "last_qty: negative"),
        (replace(FILL, cum_qty_text="-0.1"), MessageType.UPDATE, "cum_qty: negative"),
        (replace(FILL, fees=(Fee("USD", "1e-99"),)), MessageType.UPDATE, "fees.qty: too small"),
        (
            replace(FILL, triggers=TriggerReport(price_text="sNaN")),
            MessageType.UPDATE,
            "triggers.price: not a number",
        ),
        (replace(LEDGER_ENTRY, amount_text="9" * 41), MessageType.UPDATE, "amount: too large"),
        (
            replace(LEDGER_ENTRY, amount_text="1." + "1" * 40),
            MessageType.UPDATE,
            "amount: more than 40 digits",
        ),
        (replace(BALANCE_ROW, balance_text="-Infinity"), MessageType.SNAPSHOT, "balance: not a number"),
    ],
)
def test_hostile_numbers(entry: Any, kind: MessageType, reason: str) -> None:
    """Numbers out of bounds are found wherever they stand in an entry."""
    assert problem(entry, kind) == reason


def test_negative_balances_are_legal() -> None:
    """A balance and a fee may be negative: margin and rebates make them so."""
    entry = replace(LEDGER_ENTRY, balance_text="-5", fee_text="-0.01")
    assert problem(entry, MessageType.UPDATE) is None


def test_kinds_of_balance_entries() -> None:
    """A ledger entry is told from a row by its id."""
    assert (LEDGER_ENTRY.is_ledger_entry, BALANCE_ROW.is_ledger_entry) == (True, False)


def test_only_a_trade_is_a_fill() -> None:
    """A report of a completed order is no fill: its quantity was told before."""
    assert (FILL.is_fill, replace(FILL, exec_type=ExecType.FILLED).is_fill) == (True, False)


def test_missing_is_not_zero() -> None:
    """What a sparse report does not say is None, and zero stays zero."""
    report = account.NEW.message.data[0]
    assert (report.cum_qty, report.order_userref) == (None, 0)
