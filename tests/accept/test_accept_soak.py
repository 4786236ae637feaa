"""Hours in minutes: endless epochs over a small corpus, windows coming and going, and memory that does not grow.

HEADWATER_SOAK gives other seconds than 240. A slope over minutes is the noise of an allocator: what is held to a bound
is how far the median of the last third lies above that of the middle third.
"""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from coded_roots import draw, write_coded

from corpus.reader import ReaderSettings, TokenReader

pytestmark = [pytest.mark.accept, pytest.mark.timeout(100_000)]

SECONDS = float(os.environ.get("HEADWATER_SOAK", "240"))


def resident() -> float:
    """Return the memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_memory_does_not_grow(tmp_path: Path) -> None:
    """Best fit, three components, a state saved after every batch."""
    folder = write_coded(tmp_path, draw(3000, 9, components=("a", "b", "c")), row_group_tokens=5000)
    mixture = {"a": 3, "b": 2, "c": 1}
    settings = ReaderSettings(
        sequence_length=256, batch_size=16, lanes=8, packing="best_fit", mixture=mixture, epochs=None
    )
    reader, start, samples, steps = TokenReader(folder, settings), time.monotonic(), [], 0
    for _ in reader:
        steps += 1
        reader.state_dict()
        if steps % 100 == 0:
            samples.append((time.monotonic() - start, resident()))
            if samples[-1][0] > SECONDS:
                break
    times, sizes = np.array(samples).T
    third = len(sizes) // 3
    grown = float(np.median(sizes[-third:]) - np.median(sizes[third : 2 * third]))
    slope = float(np.polyfit(times[third:], sizes[third:], 1)[0] * 3600)
    print({"steps": steps, "tokens": steps * 16 * 256, "mb": sizes[-1], "grown_mb": grown, "slope_mb_per_hour": slope})
    assert grown < 2
