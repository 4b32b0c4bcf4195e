"""What the commands say goes through the same hands as what the dashboard says: `krakenwire.text`."""

from __future__ import annotations

from krakenwire.text import SHOWN, counted, percent, seconds, shown

__all__ = ["SHOWN", "counted", "percent", "seconds", "shown"]
