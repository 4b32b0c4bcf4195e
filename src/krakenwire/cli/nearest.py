"""Which word was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, whatever the case; None if none is like it."""
    by_fold = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(word.casefold()[:100], by_fold, n=1)
    return by_fold[found[0]] if found else None
