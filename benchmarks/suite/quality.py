"""What the texts are worth: the score of each extractor on hand-made article texts, by the scripts beside the data."""

import json
import os
import subprocess
from typing import Any, Final

from benchmarks.suite.plan import Places
from benchmarks.suite.side import REPOSITORY, Place

SHARED: Final = REPOSITORY.parent / "shared"
SYSTEMS: Final = REPOSITORY / "tests" / "evals"
HERE: Final = REPOSITORY / "benchmarks" / "suite"


def scores(places: Places) -> list[dict[str, Any]]:
    """Return F1 on whole articles (zyte) of our extractors and of datatrove's; [] where the data is absent."""
    if not (SHARED / "evals" / "extraction.py").is_file():
        return []
    names = {"extraction": "headwater, trafilatura", "resiliparse": "headwater, resiliparse"}
    rows = [score(places.ours, f"systems:{system}", name) for system, name in names.items()]
    rows.append(score(places.datatrove, "peer_quality:datatrove", places.datatrove.name))
    return [*rows, score(places.newer, "peer_quality:datatrove", places.newer.name)]


def score(place: Place, system: str, name: str) -> dict[str, Any]:
    """Return what the scoring script says of one system."""
    path = [*place.path, str(REPOSITORY), str(SYSTEMS), str(HERE), str(SHARED / "evals")]
    command = [place.python, str(SHARED / "evals" / "extraction.py"), str(SHARED / "data"), "--set", "zyte"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run([*command, "--system", system], env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {key: found[key] for key in ("pages", "precision", "recall", "f1", "f1_sd")} | {"name": name}
