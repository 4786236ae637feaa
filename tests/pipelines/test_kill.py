"""kill -9 at any moment costs at most the units in flight: run again, and the shards are those of a quiet run."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import corpus, outcome

pytestmark = pytest.mark.slow

KILLS, MOST_KILLS = 20, 4


def command(root: Path) -> list[str]:
    return [sys.executable, "-m", "corpus", "run", "sample", "--root", str(root), "--workers", "2"]


def run_and_kill(root: Path, after: float) -> bool:
    """Start a run and kill its whole process group after so many seconds; return whether it was still at work."""
    with subprocess.Popen(
        command(root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as run:
        time.sleep(after)
        at_work = run.poll() is None
        if at_work:
            os.killpg(run.pid, signal.SIGKILL)
    return at_work


def wait_for_ingest(root: Path) -> None:
    """Wait until the run at `root` has finished a unit of its first stage, with workers and page workers alive."""
    for _ in range(600):
        if any((root / "reports" / "ingest").glob("*.json")):
            return
        time.sleep(0.05)
    pytest.fail("the run does not get going")


@pytest.mark.timeout(1800)
def test_twenty_kills_change_nothing(root: Path, tmp_path: Path) -> None:
    """Twenty kills at seeded random moments, at most four of a root; each root is then finished and compared."""
    draw = random.Random(20)
    start = time.monotonic()
    quiet = corpus("run", "sample", "--root", str(tmp_path / "quiet"), "--workers", "2")
    whole = time.monotonic() - start
    assert quiet.returncode == 0, quiet.stderr
    killed = chain = 0
    while killed < KILLS:
        chain += 1
        assert chain <= KILLS, "runs end before they can be killed"
        target = tmp_path / f"chain-{chain}"
        for _ in range(MOST_KILLS):
            if killed == KILLS or not run_and_kill(target, draw.uniform(0.05, 0.8) * whole):
                break
            killed += 1
        done = corpus("run", "sample", "--root", str(target), "--workers", "2")
        assert done.returncode == 0, done.stderr
        assert outcome(target) == outcome(root)
        assert list(target.rglob("*.tmp")) == []


def test_a_killed_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    """When only the parent is killed, its workers end by themselves and the next run has the root for itself."""
    target = tmp_path / "root"
    with subprocess.Popen(command(target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        wait_for_ingest(target)
        run.kill()
    for _ in range(100):
        left = subprocess.run(["pgrep", "-f", str(target)], capture_output=True, text=True, check=False).stdout
        workers = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True, check=False).stdout
        if not left.strip() and not workers.strip():
            break
        time.sleep(0.1)
    else:
        pytest.fail(f"processes left behind: {left} {workers}")
    assert corpus("run", "sample", "--root", str(target), "--workers", "2").returncode == 0


def test_ctrl_c_leaves_a_resumable_root(root: Path, tmp_path: Path) -> None:
    """SIGINT ends the run with exit code 130 and a sentence; the same command finishes the work."""
    target = tmp_path / "root"
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in a shell's background job; children inherit that
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command(target), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        wait_for_ingest(target)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert "run the same command again" in errors
    assert corpus("run", "sample", "--root", str(target), "--workers", "2").returncode == 0
    assert outcome(target) == outcome(root)
