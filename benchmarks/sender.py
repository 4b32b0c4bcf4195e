"""The other end of the loopback benchmark: a process that has the whole workload encoded before anybody connects, and then does nothing
but write it.

`python -m benchmarks.sender --frames N --seed S` prints a line of JSON with its port and what is true of the workload, then serves one
client after the other with the same frames. The path says what a client gets:

- `/raw`: the set-up frames at once, unasked, for stages that subscribe nothing;
- `/v2`: an answer to each subscription, as Kraken gives it: the reply with the client's `req_id`, then the snapshot.

After that it waits for a line on standard input: the frames a second to send, 0 for as fast as they are taken. A `status` frame marks the
end. Then it prints a line of JSON with the times at which it wrote, and waits for the client to go.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.workload import Workload, generate

CERTIFICATE = Path(__file__).parents[1] / "tests/net/certificates/good.pem"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

PACE = 0.0001
"""Seconds between two writes of a paced run: a server collects for a moment what it has to say."""

COALESCED = 16 * 1024
"""Bytes that are written together, about: one TLS record, as servers of busy streams fill them."""

END = b'{"channel":"status","type":"update","data":[{"system":"online","version":"2.0.10"}]}'


def framed(payload: bytes) -> bytes:
    """A WebSocket text frame as a server sends it: unmasked."""
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def coalesced(frames: list[bytes]) -> list[bytes]:
    """Frames joined to writes of about `COALESCED` bytes, none larger than a TLS record unless a frame is."""
    writes: list[bytes] = []
    parts: list[bytes] = []
    size = 0
    for frame in frames:
        if parts and size + len(frame) > COALESCED:
            writes.append(b"".join(parts))
            parts, size = [], 0
        parts.append(frame)
        size += len(frame)
    return [*writes, b"".join(parts)] if parts else writes


class Client:
    """One client that connected."""

    def __init__(self, stream: ssl.SSLSocket) -> None:
        self.stream = stream
        self.waiting = b""
        self.path = ""

    def upgrade(self) -> None:
        """Take the request, and become a WebSocket."""
        while b"\r\n\r\n" not in self.waiting:
            self.more()
        head, self.waiting = self.waiting.split(b"\r\n\r\n", 1)
        first, *lines = head.split(b"\r\n")
        self.path = first.split(b" ")[1].decode()
        fields = {name.lower(): value for name, value in (line.split(b": ", 1) for line in lines)}
        accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())  # noqa: S324 (the protocol says so)
        self.stream.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def more(self) -> None:
        """Read what there is.

        Raises: EOFError, if the client is gone.
        """
        data = self.stream.recv(65536)
        if not data:
            raise EOFError
        self.waiting += data

    def hear(self) -> bytes:
        """The payload of the client's next frame, of whatever kind.

        Raises: EOFError, if the client is gone.
        """
        data = self._take(2)
        size = data[1] & 0x7F
        if size == 126:
            size = int.from_bytes(self._take(2), "big")
        mask = self._take(4)
        payload = self._take(size)
        return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))

    def _take(self, count: int) -> bytes:
        while len(self.waiting) < count:
            self.more()
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return taken


class Sender:
    """Serves one workload."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.setup = [framed(frame) for frame in workload.setup]
        self.frames = [framed(frame) for frame in workload.frames] + [framed(END)]
        self.writes = coalesced(self.frames)
        self.answers = _answers(workload.setup)

    def serve(self, client: Client) -> None:
        """One client to its end."""
        client.upgrade()
        if client.path == "/raw":
            client.stream.sendall(b"".join(self.setup))
        else:
            self.subscribe(client)
        rate = float(sys.stdin.readline())
        times = self.send_paced(client, rate) if rate else self.send_fast(client)
        print(json.dumps(times), flush=True)
        while True:
            client.hear()

    def subscribe(self, client: Client) -> None:
        """Answer requests until everything that can be subscribed is; then what nobody on a public connection asks for."""
        client.stream.sendall(self.setup[0])
        wanted = set(self.answers)
        while wanted - {("executions", "")}:
            request = json.loads(client.hear())
            params = request.get("params", {})
            for symbol in params.get("symbol", [""]) if request["method"] == "subscribe" else ():
                key = (params["channel"], symbol)
                wanted.discard(key)
                reply, snapshot = self.answers[key]
                own = f'{{"req_id":{request["req_id"]},'.encode() + reply[1:]
                client.stream.sendall(framed(own) + framed(snapshot))
        for key in wanted:
            client.stream.sendall(b"".join(framed(frame) for frame in self.answers[key]))

    def send_fast(self, client: Client) -> list[tuple[int, int]]:
        """Everything, as fast as it is taken. Gives the times of the first and of the last write."""
        began = time.monotonic_ns()
        for data in self.writes:
            client.stream.sendall(data)
        return [(0, began), (len(self.frames), time.monotonic_ns())]

    def send_paced(self, client: Client, rate: float) -> list[tuple[int, int]]:
        """So many a second; whatever is due is written together. Gives how many frames had been sent before each write, and its time."""
        frames, total, sent, times = self.frames, len(self.frames), 0, []
        began = time.monotonic()
        while sent < total:
            time.sleep(PACE)
            due = min(total, int((time.monotonic() - began) * rate))
            if due == sent:
                continue
            data = b"".join(frames[sent:due])
            times.append((sent, time.monotonic_ns()))
            client.stream.sendall(data)
            sent = due
        return times

    def facts(self) -> dict[str, Any]:
        """What is true of the workload."""
        workload = self.workload
        return {
            "setup": len(self.setup),
            "frames": len(self.frames),
            "average_bytes": workload.average_bytes,
            "counts": workload.counts,
            "books": workload.books,
            "depths": {pair.symbol: pair.depth for pair in workload.pairs},
        }


def _answers(setup: list[bytes]) -> dict[tuple[str, str], tuple[bytes, bytes]]:
    """The reply and the snapshot of each channel and symbol."""
    answers = {}
    for reply, snapshot in zip(setup[1::2], setup[2::2], strict=True):
        result = json.loads(reply)["result"]
        answers[result["channel"], result.get("symbol", "")] = (reply, snapshot)
    return answers


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sender", description="Sends encoded frames.")
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sender = Sender(generate(options.frames, seed=options.seed))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(json.dumps({"port": server.getsockname()[1], **sender.facts()}), flush=True)
        while True:
            plain, _ = server.accept()
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with context.wrap_socket(plain, server_side=True) as stream:
                    sender.serve(Client(stream))
            except (OSError, EOFError):
                continue


if __name__ == "__main__":
    main()
