"""Reading captures: `.jsonl`, `.jsonl.gz`, `.json` (one frame) or standard input. Frames are handed on as the bytes they are."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one frame, four times what Kraken's largest snapshot needs."""


class CaptureError(Exception):
    """A capture that cannot be read, and why; meant for people."""


class Line(Struct, frozen=True):
    """One frame of a capture."""

    number: int
    """Counted from 1."""
    frame: bytes
    position: int
    """Bytes read so far, for progress; of the file itself, so compressed if it is."""
    ended: bool
    """False if the file ends inside this line."""


def read(name: str) -> Iterator[Line]:
    """Every line of a capture that is not blank, in order. `-` is standard input.

    Raises: CaptureError, naming the file and the reason.
    """
    if name == "-":
        yield from _lines(name, sys.stdin.buffer, sys.stdin.buffer)
        return
    path = Path(name)
    if path.is_dir():
        raise CaptureError(f"{name} is a directory; name the files in it")
    try:
        with path.open("rb") as raw:
            if path.suffix == ".json":
                yield Line(1, raw.read(), path.stat().st_size, ended=True)
            elif path.suffix == ".gz":
                with gzip.open(raw) as plain:
                    yield from _lines(name, plain, raw)
            else:
                yield from _lines(name, raw, raw)
    except FileNotFoundError:
        raise CaptureError(f"{name} does not exist") from None
    except OSError as exc:
        raise CaptureError(f"{name} cannot be read: {exc.strerror or exc}") from None


def _lines(name: str, plain: BinaryIO | gzip.GzipFile, raw: BinaryIO) -> Iterator[Line]:
    number = 0
    while True:
        try:
            line = plain.readline(LONGEST_LINE)
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise CaptureError(f"{name} is damaged after line {number}: {exc}") from None
        if not line:
            return
        number += 1
        ended = line.endswith(b"\n")
        if frame := line.strip():
            position = raw.tell() if raw.seekable() else 0
            yield Line(number, frame, position, ended)
