"""Reading captures: one raw frame a line, or a JSON document, plain or gzip, from a file or standard input.

The content decides whether it is compressed, the name whether it is a document: a `.json` holds one frame or an array of frames,
printed over as many lines as it likes. Frames are handed on as the bytes they are, because a checksum is about digits.
"""

from __future__ import annotations

import difflib
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import cast

import msgspec

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one frame or document, four times what Kraken's largest snapshot needs."""

_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"\x28\xb5\x2f\xfd": "zstd -dc",
    b"\xfd7zX": "xz -dc",
    b"BZh": "bzip2 -dc",
    b"PK\x03\x04": "unzip -p",
}
"""How files of other packers begin, and what unpacks them."""
_BOM = b"\xef\xbb\xbf"


class CaptureError(Exception):
    """A capture that cannot be read. `kind` is for programs, the rest for people."""

    def __init__(self, kind: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


class Capture:
    """An open capture; iterate over it once for the line and the bytes of each frame. Blank lines are passed over."""

    def __init__(self, name: str, raw: BufferedReader, *, size: int | None) -> None:
        self.name = name
        self.size = size
        """Bytes of the file, compressed if it is; None where nobody knows."""
        self.cut: int | None = None
        """The line in which a compressed stream ended too early."""
        self._raw = raw
        self._line = b"\n"
        self._number = 0
        self._plain: BufferedReader | gzip.GzipFile = raw
        start = raw.peek(4)
        if start.startswith(_GZIP):
            self._plain = gzip.GzipFile(fileobj=raw)
        for magic, command in _OTHERS.items():
            if start.startswith(magic):
                hint = f"unpack it on the way: {command} {name} | krakenwire verify -"
                raise CaptureError("unreadable", f"{name} is packed, and not with gzip", hint)

    @property
    def position(self) -> int | None:
        """Bytes read so far, in the terms of `size`; None where there is no telling."""
        return None if self.size is None else self._raw.tell()

    @property
    def ended(self) -> bool:
        """False if the file ends inside the line of the last frame handed out, so that it may be cut short."""
        return self._line.endswith(b"\n")

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        try:
            if self.name.removesuffix(".gz").endswith(".json"):
                yield from self._document()
            else:
                yield from self._lines()
        except EOFError:
            self.cut = self._number + 1
        except (zlib.error, gzip.BadGzipFile) as exc:
            raise CaptureError(
                "damaged",
                f"{self.name} is damaged after line {self._number:,}: {exc}",
                "what was read before is reported; nothing after it can be unpacked",
            ) from None
        except OSError as exc:
            raise _unreadable(self.name, exc) from None

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        readline = self._plain.readline
        number = self._number
        while line := readline(LONGEST_LINE):
            number += 1
            self._line, self._number = line, number
            if number == 1:
                line = line.removeprefix(_BOM)
            if len(line) == LONGEST_LINE and not self.ended:
                raise self._too_long(f"line {number:,}")
            if frame := line.strip():
                yield number, frame

    def _document(self) -> Iterator[tuple[int, bytes]]:
        text = self._plain.read(LONGEST_LINE + 1).removeprefix(_BOM)
        if len(text) > LONGEST_LINE:
            raise self._too_long("the document")
        self._line = text + b"\n"
        self._number = max(1, text.count(b"\n"))
        try:
            parts = _ARRAY.decode(text) if text.lstrip().startswith(b"[") else [_WHOLE.decode(text)]
        except (msgspec.DecodeError, RecursionError):
            yield from self._no_document(text)
            return
        line, at = 1, 0
        for part in parts:
            frame = bytes(part).strip()
            found = text.index(frame, at)
            line += text.count(b"\n", at, found)
            at = found
            yield line, frame

    def _no_document(self, text: bytes) -> Iterator[tuple[int, bytes]]:
        """Lines after all, if the first one is a value of its own; else one frame that is not JSON."""
        lines = text.splitlines(keepends=True) or [b""]
        try:
            _WHOLE.decode(lines[0])
        except (msgspec.DecodeError, RecursionError):
            lines = [text]
        for number, line in enumerate(lines, 1):
            self._line = line
            if frame := line.strip():
                yield number, frame

    def _too_long(self, what: str) -> CaptureError:
        limit = LONGEST_LINE // 1024 // 1024
        return CaptureError(
            "line_too_long",
            f"{self.name}: {what} is longer than {limit} MiB",
            "no frame of Kraken is; a capture holds one raw frame a line",
        )


_WHOLE = msgspec.json.Decoder(msgspec.Raw)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


@contextmanager
def open_capture(name: str) -> Iterator[Capture]:
    """Open a capture by its file name, or standard input by `-`.

    Raises: CaptureError, naming the file and the reason; so does the iteration.
    """
    if name == "-":
        if sys.stdin is None:
            raise CaptureError("unreadable", "there is no standard input")
        yield Capture("standard input", cast("BufferedReader", sys.stdin.buffer), size=None)
        return
    path = Path(name)
    try:
        raw = path.open("rb")
        size = path.stat().st_size if path.is_file() else None
    except IsADirectoryError:
        raise CaptureError(
            "is_a_directory", f"{name} is a directory", f"name the files in it: {path / '*.jsonl'}"
        ) from None
    except FileNotFoundError:
        raise CaptureError("not_found", f"{name} does not exist", _near(path)) from None
    except (OSError, ValueError) as exc:
        raise _unreadable(name, exc) from None
    with raw:
        yield Capture(name, raw, size=size)


def _unreadable(name: str, error: Exception) -> CaptureError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return CaptureError("unreadable", f"{name} cannot be read: {reason}")


def _near(path: Path) -> str | None:
    """A file of a similar name beside the one that does not exist."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return None
    found = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.with_name(found[0])}?" if found else None
