"""Kernels: functions compiled by numba, once for each machine and source.

numba keeps compiled functions on disk and takes one for fresh as long as the file of that very function is unchanged.
A kernel is compiled with what it calls and with the constants it names, and those may come from other files: after an
update that changed only these, numba would run the old code, and nothing would tell. So the cache of a file's kernels
lies in a folder named after the SHA-256 of that file and of every file of this project that it imports, at any remove.

The folder is `headwater/kernels` in the user's cache ($XDG_CACHE_HOME or ~/.cache), or below NUMBA_CACHE_DIR where that
is set; where it cannot be made, numba looks for a place itself. The first run on a machine compiles (docs/
performance.md says how long), later ones load.
"""

import hashlib
import inspect
import os
import re
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])
config: Any = numba.config  # made of environment variables at run time, so no type checker knows what it holds
_IMPORT: Final = re.compile(
    r"^\s*(?:from|import) ((?:corpus|sitegraph)\b[\w.]*)(?: import (\([^)]*|.*))?", re.MULTILINE
)
_HOME: Final = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - never raises
_BASE: Final = Path(config.CACHE_DIR or Path(_HOME, "headwater", "kernels"))

PLAIN: Final = bool(os.environ.get("HEADWATER_PLAIN_DECODER"))
"""Whether the environment asks for kernels without the instructions of one processor; they are kept apart."""

_FOLDERS: Final[set[Path]] = set()


def kernel(function: Function) -> Function:
    """Have a function compiled at its first call, without the GIL; kept on disk as the module says."""
    return compiled(function)


def inlined(function: Function) -> Function:
    """Like kernel, and put in full where it is called, as a C compiler would do with a small function."""
    return compiled(function, inline="always")


def uncounted(function: Function) -> Function:
    """Like kernel, for a function that makes no array, nor do those inlined into it: who holds one is not counted.

    numba counts that whenever an array gets a name, by locked instructions, and each of these waits for all memory that
    is on its way: a dozen for every few hundred reads take a sweep (sitegraph.ranks.sweep) 4 % of its time. A function
    that does make an array is refused when it is compiled.
    """
    return compiled(function, _nrt=False)


def compiled(function: Function, **options: Any) -> Function:
    """Return the kernel of a function; `options` are numba's."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(_BASE / (fingerprint(inspect.getfile(function)) + "-plain" * PLAIN))
    try:
        made: Function = numba.njit(cache=True, nogil=True, **options)(function)
    finally:
        config.CACHE_DIR = before
    _FOLDERS.add(Path(made._cache.cache_path))  # type: ignore[attr-defined]
    _forgive(made)
    return made


def cold() -> bool:
    """Say whether none of the kernels loaded so far has been compiled on this machine."""
    return not any(next(folder.glob("*.nbi"), None) for folder in _FOLDERS)


def _forgive(made: Any) -> None:
    """Have a kernel run though it cannot be kept: a full disk under the cache is no reason for a run to fail."""
    save = made._cache.save_overload

    def attempt(*arguments: Any) -> None:
        try:
            save(*arguments)
        except OSError as error:
            told = f"{_BASE}: compiled kernels cannot be kept there ({error.strerror}), so every process compiles them"
            warnings.warn(f"{told}; make room, or name another folder in NUMBA_CACHE_DIR", stacklevel=1)

    made._cache.save_overload = attempt


@cache
def fingerprint(path: str) -> str:
    """Return what stands for the source of the module in file `path` and of all modules it imports: 16 hex digits."""
    files = sorted(_closure(Path(path), {}).items())
    return hashlib.sha256(b"\0".join(digest for _, digest in files)).hexdigest()[:16]


def _closure(path: Path, found: dict[str, bytes]) -> dict[str, bytes]:
    """Add path and SHA-256 of a source file, and of those of this project that it imports."""
    source = path.read_bytes()
    found[str(path)] = hashlib.sha256(source).digest()
    for module, names in _IMPORT.findall(source.decode()):
        candidates = [module, *(f"{module}.{name}" for name in re.findall(r"\w+", names))]
        for file in filter(None, (getattr(sys.modules.get(name), "__file__", None) for name in candidates)):
            if file not in found:
                _closure(Path(file), found)
    return found
