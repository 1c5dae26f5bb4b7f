"""`./dockyard` makes its environment, mends a broken one, and costs nothing once it is made.

The script runs in a small checkout of its own: the real script, the real lock's setuptools, and a package of one line.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ensurepip", reason="this Python has no venv module, so only uv makes the environment here")

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = """
import sys
def main():
    print(sys.prefix, *sys.argv[1:], sep="|")
"""
PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "dockyard"
version = "0"
[project.scripts]
dockyard = "dockyard:main"
[tool.setuptools.packages.find]
where = ["src"]
"""
TOOLS = ("sh", "cat", "cmp", "cp", "dirname", "grep", "id", "mkdir", "readlink", "rm", "sleep", "tail")
DONE = "• The course's own package"


def lay(home: Path) -> Path:
    """Make a checkout that the script can install in a few seconds."""
    (home / "src" / "dockyard").mkdir(parents=True)
    (home / "src" / "dockyard" / "__init__.py").write_text(PACKAGE)
    (home / "pyproject.toml").write_text(PROJECT)
    lock = (ROOT / "requirements.lock").read_text()
    pin = re.search(r"^setuptools==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    assert pin, "setuptools is not in requirements.lock; the editable install needs it."
    (home / "requirements.lock").write_text(pin.group())
    (home / "requirements-test.lock").write_text(pin.group() + "\n")
    shutil.copy(ROOT / "dockyard", home / "dockyard")
    return home


def start(
    home: Path, *words: str, path: str | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": path or no_uv()}
    command = [str(home / "dockyard"), *words]
    return subprocess.run(command, env=env, cwd=cwd or "/", capture_output=True, text=True, timeout=300, check=False)


def no_uv() -> str:
    """Return a search path that finds this Python first, and no uv."""
    folders = [str(Path(sys.base_prefix) / "bin"), *os.environ["PATH"].split(os.pathsep)]
    return os.pathsep.join(folder for folder in folders if not (Path(folder) / "uv").exists())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = lay(tmp_path_factory.mktemp("boot") / "a course's folder")
    first = start(home, "lab", "--yes")
    assert first.returncode == 0, first.stderr
    assert first.stdout == f"{home}/.venv|lab|--yes\n"
    assert [line for line in first.stderr.splitlines() if line.startswith("•")][-2:] == [
        "• Packages from requirements.lock",
        DONE,
    ]
    return home


def test_second_start_says_nothing_and_costs_milliseconds(home: Path) -> None:
    again = start(home, "a b", "*")
    assert (again.stdout, again.stderr) == (f"{home}/.venv|a b|*\n", "")

    def best(command: str) -> float:
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            subprocess.run([command], stdout=subprocess.DEVNULL, check=True)
            times.append(time.perf_counter() - begin)
        return min(times)

    assert best(str(home / "dockyard")) - best(str(home / ".venv" / "bin" / "dockyard")) < 0.1


def test_runs_through_a_link(home: Path, tmp_path: Path) -> None:
    link = tmp_path / "dockyard"
    link.symlink_to(home / "dockyard")
    done = subprocess.run([link, "lab"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == f"{home}/.venv|lab\n"


def test_exit_status_is_the_commands_own(home: Path) -> None:
    module = home / "src" / "dockyard" / "__init__.py"
    module.write_text("def main():\n    raise SystemExit(7)\n")
    try:
        assert start(home).returncode == 7
    finally:
        module.write_text(PACKAGE)


def test_another_lock_is_installed(home: Path) -> None:
    assert DONE in start(home, "test").stderr
    assert start(home, "test").stderr == ""
    assert start(home, "lab").stderr == "", "the tests' lock holds the other one"
    lock = home / "requirements.lock"
    lock.write_text(lock.read_text() + "# newer\n")
    assert DONE in start(home, "lab").stderr
    assert DONE in start(home, "test").stderr


def test_half_unpacked_package_is_mended(home: Path) -> None:
    shutil.rmtree(home / ".venv" / ".dockyard")
    (package,) = (home / ".venv").glob("lib/python3*/site-packages/setuptools-*.dist-info")
    (package / "INSTALLER").unlink()
    (package.parent / "setuptools" / "build_meta.py").unlink()
    done = start(home)
    assert done.returncode == 0, done.stderr
    assert (package / "INSTALLER").exists()
    assert (package.parent / "setuptools" / "build_meta.py").exists()


def test_half_made_environment_is_made_again(home: Path) -> None:
    shutil.rmtree(home / ".venv" / ".dockyard")
    (pip,) = (home / ".venv").glob("lib/python3*/site-packages/pip")
    shutil.rmtree(pip)
    done = start(home)
    assert done.returncode == 0, done.stderr
    assert "• Environment in .venv" in done.stderr


def test_moved_checkout_is_made_again(home: Path) -> None:
    moved = home.rename(home.with_name("elsewhere"))
    try:
        assert start(moved, "lab").stdout == f"{moved}/.venv|lab\n"
    finally:
        moved.rename(home)
        start(home)


def test_install_that_was_stopped_goes_on(tmp_path: Path) -> None:
    home = lay(tmp_path / "stopped")
    process = subprocess.Popen(
        [home / "dockyard"],
        env={**os.environ, "PATH": no_uv()},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr
    process.stderr.readline()
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (home / ".dockyard" / "turn").exists(), "killed before it could tidy up"
    done = start(home, "lab")
    assert done.returncode == 0, done.stderr
    assert not (home / ".dockyard" / "turn").exists()


def test_second_installer_waits_its_turn(home: Path) -> None:
    shutil.rmtree(home / ".venv" / ".dockyard")
    turn = home / ".dockyard" / "turn"
    turn.mkdir()
    (turn / "pid").write_text(str(os.getpid()))
    waiting = subprocess.Popen(
        [home / "dockyard"], env={**os.environ, "PATH": no_uv()}, stderr=subprocess.PIPE, text=True
    )
    assert waiting.stderr
    assert "Waiting for another" in waiting.stderr.readline()
    shutil.rmtree(turn)
    assert DONE in waiting.communicate(timeout=120)[1]
    assert waiting.returncode == 0


def tools(folder: Path, **programs: str) -> str:
    """Make a folder of the few tools that a bare machine has, and of the given scripts; return it as a search path."""
    folder.mkdir(parents=True)
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    for name, text in programs.items():
        script = folder / name
        script.write_text(text)
        script.chmod(0o755)
    return str(folder)


def test_old_python_is_named_with_what_to_type(tmp_path: Path) -> None:
    old = '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit\nexit 1\n'
    done = start(lay(tmp_path / "home"), path=tools(tmp_path / "bin", python3=old))
    assert done.returncode == 1
    for part in ("Python 3.9.2 found", "3.11 or newer", "apt-get install"):
        assert part in done.stderr


def test_no_python_at_all(tmp_path: Path) -> None:
    done = start(lay(tmp_path / "home"), path=tools(tmp_path / "bin"))
    assert done.returncode == 1
    assert "No python3 found" in done.stderr


def test_python_without_venv_is_named_with_what_to_type(tmp_path: Path) -> None:
    bare = f"""#!/bin/sh
case "$*" in *ensurepip*) exit 1 ;; *realpath*) echo "$0" ;; *) exec {sys.executable} "$@" ;; esac
"""
    done = start(lay(tmp_path / "home"), path=tools(tmp_path / "bin", python3=bare))
    assert done.returncode == 1
    assert f"apt-get install python3.{sys.version_info.minor}-venv" in done.stderr


UV = f"""#!/bin/sh
# Does what uv does with the words that the script gives it, and nothing with others.
case "$1 $2" in
'venv --quiet') exec {sys.executable} -m venv "$5" ;;
'pip install') shift 2 ;;
*) exit 1 ;;
esac
[ "$1" != --quiet ] || shift
[ "$1" = --python ] || exit 1
python=$2
shift 2
exec "$python" -m pip install -q "$@"
"""


def test_uv_is_preferred(tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", uv=UV) + os.pathsep + no_uv()
    home = lay(tmp_path / "home")
    done = start(home, "lab", path=path)
    assert done.stdout == f"{home}/.venv|lab\n", done.stderr
    assert "by uv" in done.stderr
    assert "Environment" not in done.stderr


def test_where_uv_fails_pip_tries(tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", uv="#!/bin/sh\nexit 2\n") + os.pathsep + no_uv()
    home = lay(tmp_path / "home")
    done = start(home, "lab", path=path)
    assert done.stdout == f"{home}/.venv|lab\n", done.stderr
    assert "pip tries" in done.stderr


def test_failed_install_shows_why(tmp_path: Path) -> None:
    home = lay(tmp_path / "home")
    lock = home / "requirements.lock"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", lock.read_text()))
    done = start(home)
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "could not be installed" in done.stderr
    assert not (home / ".venv" / ".dockyard" / "home").exists()
