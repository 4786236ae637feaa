"""A store that is far away, slow at times and shared: two nodes that train at a steady pace wait for none of it."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coded_roots import draw, write_coded
from httpfaults import Site, serving
from served_shards import PREFIX, site_of

from corpus.reader import ReaderSettings, ReadingSettings, TokenReader
from corpus.tokens.manifest import load_manifest

pytestmark = [pytest.mark.accept, pytest.mark.timeout(3600)]

SETTINGS = ReaderSettings(sequence_length=2048, batch_size=256, lanes=8, packing="best_fit", epochs=3)
PACE = 1e6
"""Tokens a second that a node trains on."""
WARM = 4
"""Steps after which none may wait."""


def far_away(folder: Path, seed: int) -> Site:
    """Return a site: 100 ms to every answer, one in a hundred an error or cut, 200 MB a second for all together."""
    chosen = random.Random(seed)
    faults = [chosen.choice(["503", "cut", "500", "429"]) if chosen.random() < 0.01 else "" for _ in range(20_000)]
    return site_of(folder, latency=0.1, rate=200e6, faults=faults)


def train(url: str, rank: int, told: list[dict[str, Any]]) -> None:
    """Take batches at PACE, and tell how long each was waited for."""
    waits: list[float] = []
    with TokenReader(url, SETTINGS, rank=rank, world_size=2, reading=ReadingSettings()) as reader:
        tokens = SETTINGS.sequence_length * SETTINGS.batch_size // 2
        asked = time.monotonic()
        for _ in reader:
            waits.append(time.monotonic() - asked)
            time.sleep(max(0.0, tokens / PACE - waits[-1]))
            asked = time.monotonic()
    told.append({"rank": rank, "step": tokens / PACE, "waits": waits, **reader.io.readable()})


def test_two_nodes_wait_for_nothing_and_fetch_nothing_twice(tmp_path: Path) -> None:
    """After the first steps no batch is waited for longer than a step takes; 5 % more bytes than are used at most."""
    folder = write_coded(tmp_path, draw(20_000, 4, mean=600), shard_tokens=2_000_000, row_group_tokens=100_000)
    told: list[dict[str, Any]] = []
    with serving(far_away(folder, 1)) as one, serving(far_away(folder, 2)) as two:
        nodes = [
            threading.Thread(target=train, args=(site.url + PREFIX, rank, told)) for rank, site in enumerate((one, two))
        ]
        for node in nodes:
            node.start()
        for node in nodes:
            node.join()
    assert len(told) == 2
    for node in told:
        waits = np.array(node.pop("waits"))
        late = {"longest": waits[WARM:].max(), "0.99": np.quantile(waits[WARM:], 0.99)}
        print(node | {"steps": len(waits), "first": waits[0]} | late, flush=True)
        assert waits[WARM:].max() < node["step"]
        assert node["fetched"] <= 1.05 * node["used"]
    groups = load_manifest(folder).row_groups().num_rows
    fetched = sum(node["requests"] - node["retries"] - node["hedged"] for node in told)
    print({"row groups": groups, "fetched in three epochs": fetched})
    assert fetched <= 3 * (groups + SETTINGS.lanes - 1)  # those on which two lanes meet
