"""As much of PromQL as it takes to say which series an expression is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?x)
    \s* (?: (?P<text> "(?:[^"\\]|\\.)*" ) | (?P<range> \[ [^\]]* \] ) | (?P<name> [a-zA-Z_:] [\w:]* )
        | (?P<number> \d [\w.]* ) | (?P<sign> =~ | !~ | != | == | >= | <= | [-+*/%^(){},=<>] ) )
    """
)
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"or", "and", "unless", "bool", "offset"}


class Selector(NamedTuple):
    """One selection of series."""

    metric: str
    labels: dict[str, tuple[str, str]]
    """Operator and text by label."""


class Used(NamedTuple):
    """What an expression is about."""

    selectors: list[Selector]
    grouping: set[str]
    """Labels after `by` and its like."""


def used(expression: str) -> Used:
    """Read an expression.

    Raises: ValueError, if it is none that is understood.
    """
    tokens = list(_tokens(expression))
    found = Used([], set())
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if kind == "name" and text in _GROUPING:
            end = tokens.index(("sign", ")"), at)
            found.grouping.update(word for what, word in tokens[at + 2 : end] if what == "name")
            at = end
        elif kind == "name" and following == "{":
            end = tokens.index(("sign", "}"), at)
            found.selectors.append(Selector(text, dict(_labels(tokens[at + 2 : end]))))
            at = end
        elif kind == "name" and text not in _WORDS and following != "(" and following not in _GROUPING:
            # What is followed by a bracket or a grouping is a function or an aggregation.
            found.selectors.append(Selector(text, {}))
        at += 1
    if [text for _, text in tokens].count("(") != [text for _, text in tokens].count(")"):
        raise ValueError(f"a bracket is missing in {expression}")
    return found


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(expression.rstrip()):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise ValueError(f"not understood: {expression[at:][:20]}")
        at = match.end()
        if match.lastgroup is not None and match.lastgroup != "range":
            yield match.lastgroup, match[match.lastgroup]


def _labels(tokens: list[tuple[str, str]]) -> Iterator[tuple[str, tuple[str, str]]]:
    for at in range(0, len(tokens), 4):
        (_, label), (_, sign), (kind, text) = tokens[at : at + 3]
        if kind != "text" or sign not in {"=", "!=", "=~", "!~"}:
            raise ValueError(f"no label: {label} {sign} {text}")
        yield label, (sign, text[1:-1])
