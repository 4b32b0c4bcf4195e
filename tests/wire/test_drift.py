"""`wire/drift.py`: a field nobody announced is found, named and skipped."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from krakenwire.wire.book import BookMessage
from krakenwire.wire.codec import CHANNELS, METHODS
from krakenwire.wire.control import ErrorReply
from krakenwire.wire.drift import MAX_PATHS, permissive, unknown_fields
from krakenwire.wire.order_replies import BatchAddReply

KINDS = [*CHANNELS.values(), *METHODS.values()]
BOOK = (
    b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":1.0,"qty":2.0,"new":[1]}],'
    b'"asks":[],"checksum":1,"other":{"a":1}}],"new":null}'
)


@pytest.mark.fault("J5")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_permissive_is_the_same_type_otherwise(kind: type[msgspec.Struct]) -> None:
    """A permissive type is a subclass with the same name, tag, fields, order and defaults, made once."""
    loose = permissive(kind)
    assert issubclass(loose, kind)
    assert loose is permissive(kind)
    assert loose.__name__ == kind.__name__
    assert not loose.__struct_config__.forbid_unknown_fields
    assert loose.__struct_config__.frozen
    assert loose.__struct_config__.tag == kind.__struct_config__.tag
    assert loose.__struct_config__.tag_field == kind.__struct_config__.tag_field
    assert loose.__match_args__ == kind.__match_args__
    assert [(f.name, f.encode_name, f.default) for f in fields(loose)] == [
        (f.name, f.encode_name, f.default) for f in fields(kind)
    ]


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Is held by `Tree`."""


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Has names on the wire that differ from ours."""

    the_leaf: Leaf
    the_number: int = 3
    the_list: list[int] = msgspec.field(default_factory=list)


@pytest.mark.fault("J5")
def test_permissive_keeps_names_on_the_wire() -> None:
    """Names on the wire and made defaults survive where a nested type is replaced."""
    tree = msgspec.json.decode(b'{"theLeaf":{"x":1},"y":2}', type=permissive(Tree))
    assert isinstance(tree, Tree)
    assert tree.the_number == 3
    again = msgspec.json.decode(b'{"theLeaf":{},"theNumber":4}', type=permissive(Tree))
    assert isinstance(again, Tree)
    assert again.the_number == 4
    assert isinstance(tree.the_leaf, Leaf)
    assert tree.the_list == []


@pytest.mark.fault("J5")
def test_unknown_fields_are_skipped_at_every_depth() -> None:
    """Strict decoding refuses the frame, permissive decoding reads it, and every unknown field is named."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(BOOK, type=BookMessage)
    message = msgspec.json.decode(BOOK, type=permissive(BookMessage))
    assert isinstance(message, BookMessage)
    assert message.data[0].symbol == "BTC/USD"
    assert unknown_fields(msgspec.json.decode(BOOK), BookMessage) == [
        "data[].bids[].new",
        "data[].other",
        "new",
    ]


@pytest.mark.fault("J5")
def test_both_shapes_of_a_result_are_walked() -> None:
    """A field that is a list or an object is walked in the shape that came."""
    assert unknown_fields({"method": "batch_add", "result": [{"x": 1}]}, BatchAddReply) == ["result[].x"]
    wrapped = {"result": {"orders": [{"x": 1}], "y": 1}}
    assert unknown_fields(wrapped, BatchAddReply) == ["result.orders[].x", "result.y"]


@pytest.mark.fault("J5")
def test_wrong_shapes_are_passed_over() -> None:
    """A value of a wrong type is no drift; the decoder refuses it."""
    values: tuple[object, ...] = (
        None,
        1,
        "x",
        [],
        {"data": 1},
        {"data": [1, None, []]},
        {"data": {"bids": 1}},
    )
    for value in values:
        assert unknown_fields(value, BookMessage) == []


@pytest.mark.fault("J5")
def test_paths_are_bounded() -> None:
    """A frame with any number of unknown fields gives a list of bounded length with short names."""
    paths = unknown_fields({f"{n}" + "x" * 1000: 1 for n in range(1000)}, ErrorReply)
    assert len(paths) == MAX_PATHS
    assert max(map(len, paths)) <= 200


@pytest.mark.fault("J5")
@given(name=st.text().filter(lambda name: name not in {"channel", "type", "data", "sequence"}))
def test_any_name_is_found(name: str) -> None:
    """Whatever an unknown field is called, it is found."""
    assert unknown_fields({"channel": "book", name: 1}, BookMessage) == [name[:200]]
