"""How commands end. Every exit code of every command is drawn from here."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. Where several would fit the highest one counts."""

    OK = 0
    FAILED = 1
    USAGE = 2
    AUTH = 3
    NETWORK = 4
    INTEGRITY = 6
    REFUSED = 7
    INTERRUPTED = 130
    TERMINATED = 143


MEANING = {
    Exit.OK: "all is well",
    Exit.FAILED: "failed: the input could not be read, or the output could not be written",
    Exit.USAGE: "wrong usage, or a configuration that cannot be used",
    Exit.AUTH: "the API key: missing, not accepted, or not allowed to do this",
    Exit.NETWORK: "the exchange cannot be reached",
    Exit.INTEGRITY: "integrity: something failed its proof, is missing or was refused",
    Exit.REFUSED: "Kraken refused a request; its words are in the error",
    Exit.INTERRUPTED: "interrupted with Ctrl-C",
    Exit.TERMINATED: "terminated",
}
"""What each code says, as it stands in the help of each command."""
