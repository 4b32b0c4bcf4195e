"""The documentation site: Sphinx over the pages of this folder and the docstrings of the package. `make docs` builds it.

Nothing is fetched while it builds. Every name of krakenwire that a signature mentions has to be documented somewhere; names of Python and
of other packages are shown without a link.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from decimal import Decimal
from enum import Enum
from typing import Any

from docutils import nodes
from msgspec import Struct
from msgspec.structs import fields
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

import krakenwire
from krakenwire import Book, EventStream, Stream
from krakenwire.wire.numbers import Number, OptionalNumber

project = "krakenwire"
author = "the krakenwire contributors"
project_copyright = author
version = release = krakenwire.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["pictures"]
# A single backtick in a docstring means code.
default_role = "literal"
nitpicky = True
# Shown without a link: names of others, type variables, and what is inside of handler, client, session and exchange.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!krakenwire\.).*"),
    (r"py:.*", r"krakenwire\..*\.[A-Z]"),
    (r"py:.*", r"krakenwire\.(?:handler|net|session|sim)\..*"),
]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "inherited-members": (
        "Struct, Enum, str, int, ReprEnum, BaseException, Exception, Generic, tuple, Handler, Filter, Filterer"
    ),
    "no-value": True,
}
add_module_names = False

html_theme = "furo"
html_title = f"krakenwire {release}"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}

MADE_BY_CALLERS = (
    "krakenwire.wire.orders",
    "krakenwire.wire.order_terms",
    "krakenwire.wire.subscriptions",
    "krakenwire.net.backoff",
    "krakenwire.session.limits",
    "krakenwire.sim",
)
"""Modules whose types a program makes itself, so that the order and the defaults of their fields matter."""


def tell_types_of_numbers() -> None:
    """A number of an entry is read through a descriptor, which has no annotation of its own."""
    for module in pkgutil.walk_packages(krakenwire.__path__, "krakenwire."):
        if module.name.startswith("krakenwire.wire."):
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                for name, value in vars(kind).items():
                    if isinstance(value, Number):
                        kind.__annotations__[name] = Decimal
                    elif isinstance(value, OptionalNumber):
                        kind.__annotations__[name] = Decimal | None


def skip(_app: Sphinx, _what: str, name: str, _member: Any, _skip: bool, _options: Any) -> bool | None:  # noqa: FBT001
    """The text behind a number is named once, in the guide of the handler."""
    return True if name.endswith("_text") else None


def signature(
    _app: Sphinx, what: str, _name: str, kind: Any, _options: Any, text: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """What krakenwire makes and a program only reads is shown without its constructor."""
    long = stringify_annotation(krakenwire.Event, "smart")
    returns = returns and returns.replace(long, "~krakenwire.Event")
    made_by_us = what == "class" and issubclass(kind, Struct | Enum | Book | Stream | EventStream)
    if what == "class" and issubclass(kind, tuple):
        return "", None
    if made_by_us and not kind.__module__.startswith(MADE_BY_CALLERS):
        return "", None
    if what == "class" and issubclass(kind, Struct) and text:
        made = {field.name: field.default_factory for field in fields(kind)}
        text = re.sub(
            r"(\w+)(: [^=,]*) = <factory>", lambda match: f"{match[1]}{match[2]} = {made[match[1]]()!s}", text
        )
    return text, returns


PUBLIC_NAMES = {
    "PairChanged": "InstrumentChanged",
    "UnknownFrame": "Unknown",
    "ExecutionReport": "ExecutionUpdate",
}
"""Types that are public under another name, or as the type with the proof added."""


def resolve(app: Sphinx, env: Any, node: Any, content: nodes.Node) -> nodes.Node | None:
    """A signature names the module that defines a type; the type is documented under its public name."""
    name = node.get("reftarget", "").rpartition(".")[2]
    name = PUBLIC_NAMES.get(name, name)
    for place in ("krakenwire", "krakenwire.sim"):
        found = env.domains["py"].objects.get(f"{place}.{name}")
        if found is not None:
            return env.domains["py"].resolve_xref(
                env, node["refdoc"], app.builder, "obj", f"{place}.{name}", node, content
            )
    return None


def setup(app: Sphinx) -> None:
    """What is special about this site."""
    for name in ("InstrumentChanged", "Unknown"):
        # Public under this name, so documented whole, not as another name of something else.
        getattr(krakenwire, name).__name__ = name
    tell_types_of_numbers()
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-signature", signature)
    app.connect("missing-reference", resolve)
