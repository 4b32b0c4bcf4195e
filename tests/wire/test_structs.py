"""Every type of the wire is frozen, strict and explained."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
from msgspec import Struct

from krakenwire import wire
from krakenwire.wire.control import ErrorNotice

MODULES = [
    importlib.import_module(f"krakenwire.wire.{found.name}") for found in pkgutil.iter_modules(wire.__path__)
]
STRUCTS = [
    kind
    for module in MODULES
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Struct) and kind.__module__ == module.__name__
]


def test_structs_are_found() -> None:
    """The tests below run over the types of all channels, replies and requests."""
    assert len(STRUCTS) > 70


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_frozen(kind: type[Struct]) -> None:
    """Nobody downstream can change a message: replay depends on it."""
    assert kind.__struct_config__.frozen


@pytest.mark.fault("J5")
@pytest.mark.parametrize(
    "kind", [kind for kind in STRUCTS if kind is not ErrorNotice], ids=lambda kind: kind.__name__
)
def test_strict(kind: type[Struct]) -> None:
    """A field we do not know is an error of the strict type, which is how schema drift is noticed at no
    cost.
    """
    assert kind.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_explained(kind: type[Struct]) -> None:
    """Each type says what it is, in a sentence of its own."""
    assert (kind.__dict__.get("__doc__") or "").rstrip().endswith(".")
