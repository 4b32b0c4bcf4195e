"""Generate the sample capture of the documents: twenty seconds of a small invented market, the same frames every time.

All of it is as Kraken would send it, but for one frame: an update of one book is left out, as if the line had lost it. What
follows is what a client does about that: it unsubscribes, updates that were under way still come, it subscribes again and gets a new
snapshot.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

from benchmarks.wire_v2 import stamp
from benchmarks.workload import START, Feed

SAMPLE = Path(__file__).parent.parent / "docs" / "sample.jsonl.gz"

MIX = (("book", 0.74), ("ticker", 0.90), ("trade", 1.0))
FRAMES_A_SECOND = 110
SECOND = 1_000_000  # microseconds, as all times here
LENGTH = 20 * SECOND

LOSER = 1  # ETH/USD
LOST_AT = 8 * SECOND
UNSUBSCRIBED_AFTER = 300_000
SUBSCRIBED_AFTER = 1_800_000


def frames(feed: Feed) -> Iterator[bytes]:
    """Every frame of the sample, in order."""
    pair = feed.pairs[LOSER]
    yield from feed.setup()
    heartbeat_at = START + SECOND
    incident = iter(
        [
            (START + LOST_AT, "lost"),
            (START + LOST_AT + UNSUBSCRIBED_AFTER, "unsubscribed"),
            (START + LOST_AT + SUBSCRIBED_AFTER, "subscribed"),
        ]
    )
    due, step = next(incident)
    subscribed = True
    while feed.micros < START + LENGTH:
        feed.micros += 1 + int(feed.random.expovariate(FRAMES_A_SECOND) * SECOND)
        if feed.micros >= heartbeat_at:
            heartbeat_at += SECOND
            yield feed.wire.heartbeat()
        if feed.micros >= due:
            if step == "lost":
                feed.frame("book", LOSER)
            elif step == "unsubscribed":
                subscribed = False
                yield unsubscribed(pair.symbol, pair.depth, feed.micros)
            else:
                subscribed = True
                yield feed.wire.ack("book", pair, feed.micros)
                yield feed.snapshot("book", LOSER)
            due, step = next(incident, (START + 2 * LENGTH, ""))
        draw = feed.random.random()
        channel = next(name for name, upto in MIX if draw < upto)
        index = int(feed.random.random() * len(feed.markets))
        if channel != "book" or index != LOSER or subscribed:
            yield feed.frame(channel, index)


def unsubscribed(symbol: str, depth: int, micros: int) -> bytes:
    """The acknowledgement that a book has ended."""
    return (
        f'{{"method":"unsubscribe","result":{{"channel":"book","depth":{depth},"symbol":"{symbol}"}},'
        f'"success":true,"time_in":"{stamp(micros)}","time_out":"{stamp(micros + 38)}"}}'
    ).encode()


def sample() -> list[bytes]:
    """The frames of the sample."""
    return list(frames(Feed(symbols=3, depth=10, seed=7, mix=MIX)))


def main() -> None:
    """Write the sample."""
    text = b"".join(frame + b"\n" for frame in sample())
    # No time in the header, so that the file changes only if its content does.
    SAMPLE.write_bytes(gzip.compress(text, mtime=0))
    print(f"{SAMPLE.name}: {text.count(bytes([10])):,} frames, {SAMPLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
