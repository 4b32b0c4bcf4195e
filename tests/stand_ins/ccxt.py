"""Stands for ccxt where it is not installed: its `kraken`, as far as fetching a WebSocket token goes, by a real signed request."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

from krakenwire import Credentials

PATH = "/0/private/GetWebSocketsToken"


class kraken:  # noqa: N801 (ccxt's name)
    """A client of one account."""

    def __init__(self, config: dict[str, str]) -> None:
        self._credentials = Credentials(config["apiKey"], config["secret"])

    def privatePostGetWebSocketsToken(self) -> Any:  # noqa: N802 (ccxt's name)
        """Kraken's answer, as ccxt hands it on."""
        nonce = time.time_ns()
        body = f"nonce={nonce}".encode()
        headers = {
            "API-Key": self._credentials.key.reveal(),
            "API-Sign": self._credentials.sign(PATH, nonce, body),
        }
        request = urllib.request.Request(os.environ["KRAKEN_SPOT_URL"] + PATH, body, headers)  # noqa: S310 (a test's own server)
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (as above)
            return json.load(answer)
