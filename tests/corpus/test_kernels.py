"""Kernels are kept on disk, and an old one never runs for a new source."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.errors import NumbaError

import corpus.kernels

KERNEL = """
from corpus.kernels import kernel
from corpus.{imported} import NUMBER


@kernel
def answer():
    return NUMBER
"""


def run(folder: Path, module: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Ask the kernel of a module in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", f"from corpus.{module} import answer; print(answer())"],
        env=os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")},
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        **options,
    )


def answer(folder: Path, module: str) -> int:
    """Return what the kernel of a module says in a fresh process."""
    return int(run(folder, module).stdout)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one kernel, two removes away from the constant that it returns."""
    package = tmp_path / "corpus"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(corpus.kernels.__file__, package / "kernels.py")
    (package / "constants.py").write_text("NUMBER = 1\n")
    (package / "between.py").write_text("from corpus.constants import (\n    NUMBER as NUMBER,\n)\n")
    (package / "first.py").write_text(KERNEL.format(imported="between"))
    return tmp_path


def test_a_constant_changed_in_another_file_is_not_answered_from_the_cache(project: Path) -> None:
    """The file of the kernel is as it was, so numba alone would run the old code."""
    assert answer(project, "first") == 1
    (project / "corpus" / "constants.py").write_text("NUMBER = 22\n")
    assert answer(project, "first") == 22


def test_a_second_process_loads_what_the_first_compiled(project: Path) -> None:
    """Nothing is compiled, so nothing is written, when the sources are the same."""
    assert answer(project, "first") == 1
    files = {path: path.stat().st_mtime_ns for path in project.rglob("*.nb[ic]")}
    assert answer(project, "first") == 1
    assert files
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*.nb[ic]")} == files


def test_a_machine_is_cold_until_a_kernel_is_compiled(project: Path) -> None:
    """What the first run tells its user: the second process finds kernels."""
    ask = "from corpus import kernels; import corpus.first; print(int(kernels.cold()))"
    environment = os.environ | {"PYTHONPATH": str(project), "NUMBA_CACHE_DIR": str(project / "cache")}
    command = [sys.executable, "-c", ask]
    assert subprocess.run(command, env=environment, cwd=project, check=True, capture_output=True).stdout == b"1\n"
    answer(project, "first")
    assert subprocess.run(command, env=environment, cwd=project, check=True, capture_output=True).stdout == b"0\n"


def test_kernels_lie_below_the_folder_that_the_environment_names(project: Path) -> None:
    """NUMBA_CACHE_DIR is where a user says that they go."""
    answer(project, "first")
    assert {path.relative_to(project).parts[0] for path in project.rglob("*.nbc")} == {"cache"}


def test_a_kernel_that_cannot_be_kept_runs_all_the_same(project: Path) -> None:
    """With a limit on file sizes (standing in for a full disk) the answer is right, and the user hears of the cache."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    done = run(project, "first", preexec_fn=limited)
    assert int(done.stdout) == 1
    assert f"{project / 'cache'}: compiled kernels cannot be kept there (File too large)" in done.stderr
    assert not list(project.rglob("*.nbc"))


def test_a_kernel_that_counts_no_references_makes_no_arrays() -> None:
    """Nobody would free them: numba refuses to compile it."""

    @corpus.kernels.uncounted
    def add_doubled(values: Any) -> None:
        doubled = np.empty(len(values), np.int64)
        for i in range(len(values)):
            doubled[i] = 2 * values[i]
        for i in range(len(values)):
            values[i] += doubled[i]

    @corpus.kernels.uncounted
    def double(values: Any) -> None:
        for i in range(len(values)):
            values[i] *= 2

    values = np.arange(3)
    double(values)
    assert values.tolist() == [0, 2, 4]
    with pytest.raises(NumbaError, match="empty"):
        add_doubled(values)
