"""Generate the sample capture of the demo: a small invented market with right checksums, the same bytes every time."""

import gzip
from pathlib import Path

from benchmarks.workload import generate

SAMPLE = Path(__file__).parent.parent / "src" / "krakenwire" / "cli" / "sample.jsonl.gz"


def main() -> None:
    """Write the sample."""
    workload = generate(2500, symbols=3, depth=10, seed=7)
    text = b"".join(frame + b"\n" for frame in (*workload.setup, *workload.frames))
    # No time in the header, so that the file changes only if its content does.
    SAMPLE.write_bytes(gzip.compress(text, mtime=0))
    print(f"{SAMPLE.name}: {len(workload.frames)} frames, {SAMPLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
