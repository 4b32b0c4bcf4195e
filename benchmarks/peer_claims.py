"""What we claim about other libraries: how much faster we mean to be, and what each does with a frame. Read
from their sources.
"""

from __future__ import annotations

CLAIMS = {"python-kraken-sdk": 15.0, "cryptofeed": 3.0, "ccxt": 1.0}
"""How many times longer a library should take than `process()` on the mixed workload, at least."""

FEATURES = (
    ("", "krakenwire", "python-kraken-sdk 3.5.1", "cryptofeed 2.4.1", "ccxt.pro 4.5.90"),
    ("protocol", "v2", "v2", "v1", "v2"),
    ("numbers", "exact, digits kept", "float, then text", "Decimal", "float"),
    ("updates verified", "all", "yes, unless 0", "one-sided only", "no"),
    ("snapshots verified", "yes", "no", "no", "no"),
    (
        "a failed check",
        "event, this book only",
        "published first, sleeps 3 s",
        "reconnects all",
        "crashes if enabled",
    ),
    ("digits checked against the pair", "yes", "reformatted", "no", "no"),
    ("trade gaps found", "yes", "no", "no", "no"),
    ("private sequence checked", "yes", "no", "no", "no"),
    ("statistics", "yes", "no", "no", "no"),
    ("ticker, trade, ohlc typed", "yes", "no, dict only", "yes", "dict, parsed"),
)
"""One row a property, one column a library."""
