"""A ccxt `kraken` as the source of tokens: sync and async, over a real socket."""

from __future__ import annotations

import importlib
import json
import logging
from typing import Any

import pytest

from krakenwire import AuthFailed, Secret
from krakenwire.net.token import TOKEN_PATH, OwnTokens
from tests.net.peer import Peer, serving

KEY_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="


@pytest.mark.parametrize("kind", ["ccxt", "ccxt.async_support"])
@pytest.mark.parametrize("refused", [False, True])
async def test_token_of_ccxt(kind: str, refused: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Either ccxt client gives a token for its own key, and a key that is not accepted is final."""
    # At DEBUG it writes down the headers that it sends, with the key; that log is its own, and off unless a program turns it on.
    caplog.set_level(logging.WARNING, logger="ccxt")
    ccxt: Any = importlib.import_module(kind)
    asked: list[bytes] = []

    async def rest(peer: Peer) -> None:
        asked.append(await peer.ask())
        answer: dict[str, Any] = {"error": [], "result": {"token": "the-token", "expires": 900}}
        if refused:
            answer = {"error": ["EAPI:Invalid key"]}
        await peer.answer("200 OK\nContent-Type: application/json", json.dumps(answer).encode())

    async with serving(rest) as address:
        client = ccxt.kraken({"apiKey": "the-key", "secret": KEY_TEXT})
        client.urls["api"]["private"] = f"http://{address}"
        try:
            if refused:
                with pytest.raises(AuthFailed, match="EAPI:Invalid key"):
                    await OwnTokens(client).fetch()
            else:
                assert await OwnTokens(client).fetch() == Secret("the-token")
        finally:
            if kind.endswith("async_support"):
                await client.close()
    assert TOKEN_PATH.encode() in asked[0]
    assert b"the-key" in asked[0]
