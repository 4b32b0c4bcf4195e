"""The dashboard: books, trades, candles, the account and the client's health on a terminal, fed by the events of a client only.

A `Board` remembers, a `View` is how somebody looks at it, painters make rows of it; all of that is plain Python. Only `app` knows the
package that draws on terminals, and it is imported by `show` when somebody looks.
"""

from __future__ import annotations

from krakenwire.tui.badge import GIVEN, LIVE, SIM, Badge, badge_of
from krakenwire.tui.board import Board
from krakenwire.tui.show import INSTALL, missing, show, unfit
from krakenwire.tui.view import View

__all__ = [
    "GIVEN",
    "INSTALL",
    "LIVE",
    "SIM",
    "Badge",
    "Board",
    "View",
    "badge_of",
    "missing",
    "show",
    "unfit",
]
