"""pyproject.toml, the locks, environment.yml and what is installed say the same."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDED = [Requirement(text) for text in PROJECT["dependencies"]]
TESTING = [Requirement(text) for text in PROJECT["optional-dependencies"]["test"]]
LOCKS = ("requirements.lock", "requirements-test.lock")

# conda-forge's name of a package, where it is not the Python one
CONDA = {"docker": "docker-py", "fastjsonschema": "python-fastjsonschema", "matplotlib": "matplotlib-base"}


def pins(lock: str) -> dict[str, Version]:
    """Return name → version of a lock; a name that is pinned twice, for two platforms, keeps the first."""
    found: dict[str, Version] = {}
    for name, pin in re.findall(r"^([\w.-]+)==([^\s;\\]+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), Version(pin))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_satisfies_the_project(lock: str) -> None:
    pinned = pins(lock)
    for requirement in NEEDED + (TESTING if lock == "requirements-test.lock" else []):
        pin = pinned.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not in {lock}: make the lock again (CONTRIBUTING.md)."
        assert pin in requirement.specifier, f"{lock} has {requirement.name} {pin}, pyproject.toml wants {requirement}."


@pytest.mark.parametrize("extra", ["dask", "postgres"])
def test_what_is_optional_is_tested(extra: str) -> None:
    assert set(PROJECT["optional-dependencies"][extra]) <= set(PROJECT["optional-dependencies"]["test"])


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.findall(r"^\s*(?:--index|--extra-index|--find-links|-i\b|-f\b|.* @ ).*", text, re.MULTILINE)
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)
    assert not [block.split()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block]


def test_the_tests_lock_holds_all_of_the_other() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-test.lock").items()


def test_conda_environment_is_the_projects() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-e ."]
    wanted = {f"python{PROJECT['requires-python']}", "pip"}
    for requirement in NEEDED:
        text = str(requirement)
        wanted.add(CONDA.get(requirement.name, requirement.name) + text[len(requirement.name) :])
    assert {canonical(entry) for entry in conda} == {canonical(entry) for entry in wanted}


def canonical(requirement: str) -> tuple[str, frozenset[str]]:
    name, specifiers = re.fullmatch(r"([\w.-]+)(.*)", requirement).groups()  # type: ignore[union-attr]
    return name, frozenset(filter(None, specifiers.split(",")))


def test_jupyterlab_and_nbgrader_are_the_supported_ones() -> None:
    assert Version(version("jupyterlab")) >= Version("4.4")
    assert version("nbgrader") == "0.9.6"


def test_lab_extensions_are_enabled() -> None:
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listing = re.sub(r"\x1b\[\d+m", "", done.stdout + done.stderr)
    for extension in ("@jupyter/nbgrader", "@jupyter-widgets/jupyterlab-manager"):
        assert re.search(rf"{extension} v\S+ enabled OK", listing), listing
