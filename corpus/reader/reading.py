"""How a reader reads: threads, connections, a cache, and what it does about damage. None of it changes the stream."""

import threading
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, Literal

from corpus.remote.request import RemoteSettings
from corpus.settings import require

OnDamage = Literal["fail", "quarantine"]
ON_DAMAGE: Final[tuple[OnDamage, ...]] = ("fail", "quarantine")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSettings:
    """How row groups are read.

    threads      that read and decode ahead of the batches; 0: all is done when a batch is asked for
    ahead        windows that each lane reads ahead, of each source; of small ones as many as have their row groups
    ahead_bytes  of decoded ids read ahead, all lanes together; one window is read ahead whatever its size
    requests     to a server at a time (without threads: one)
    hedge        share of the bytes that may be asked for twice, where an answer is slow to come; 0: none (hedge.py)
    deadline     seconds that a range may take with all its retries; a batch waits for a window twice as long at most
    cache        folder that keeps what was fetched from a server, for all ranks of a machine
    cache_bytes  that it may hold
    on_damage    row groups that are not what the manifest says, read three times: fail, or quarantine (docs/shards.md)
    remote       retries and deadlines of requests, certificates, endpoint
    """

    threads: int = 2
    ahead: int = 1
    ahead_bytes: int = 1 << 30
    requests: int = 16
    hedge: float = 0.02
    deadline: float = 300.0
    cache: str | Path | None = None
    cache_bytes: int = 16 << 30
    on_damage: OnDamage = "fail"
    remote: RemoteSettings = field(default_factory=lambda: RemoteSettings(deadline=30.0, longest_wait=10.0))

    def __post_init__(self) -> None:
        require(self.threads >= 0, self, "threads", "give a number of threads, or 0 for none")
        require(self.ahead >= 0, self, "ahead", "give a number of windows, or 0 for none")
        require(self.ahead_bytes >= 0, self, "ahead_bytes", "give a number of bytes")
        require(self.requests >= 1, self, "requests", "give a positive number")
        require(0 <= self.hedge <= 1, self, "hedge", "give a share from 0 to 1")
        require(self.deadline > 0, self, "deadline", "give a positive number of seconds")
        require(self.cache_bytes >= 0, self, "cache_bytes", "give a number of bytes")
        require(self.on_damage in ON_DAMAGE, self, "on_damage", f"use one of {', '.join(ON_DAMAGE)}")


@dataclass(slots=True)
class Counts:
    """What reading cost so far; any thread may add to it.

    fetched     bytes that came from disk or server, the manifest apart
    used        of them, bytes of the row groups whose windows were handed to batches, each in the part that is the
                lane's
    requests    sent to a server
    retries     of them, those that failed and were sent again
    hedged      of them, those for what another was slow to bring
    cache_hits  row groups that came from the cache
    damaged     copies that were not what the manifest says
    """

    fetched: int = 0
    used: int = 0
    requests: int = 0
    retries: int = 0
    hedged: int = 0
    cache_hits: int = 0
    damaged: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, **more: int) -> None:
        """Add to some of the counts."""
        with self._lock:
            for name, count in more.items():
                setattr(self, name, getattr(self, name) + count)

    def readable(self) -> dict[str, int]:
        """Return the counts by name."""
        return {one.name: getattr(self, one.name) for one in fields(self) if not one.name.startswith("_")}
