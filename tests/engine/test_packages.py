"""What an installation would change, read from sample sources and from an apt that only pretends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from dockyard.cli.engine import engine as engine_command
from dockyard.engine import machine, packages, sources
from dockyard.engine.problems import EngineError
from dockyard.engine.sources import Entry

BOOKWORM = {"ID": "debian", "VERSION_ID": "12", "VERSION_CODENAME": "bookworm", "PRETTY_NAME": "Debian 12"}
TRIXIE = {"ID": "debian", "VERSION_ID": "13", "VERSION_CODENAME": "trixie"}

DEB822 = """\
Types: deb deb-src
# a comment between fields
URIs: https://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/example.gpg

Types: deb
URIs: https://mirror.example.org/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: https://off.example.org/debian
Suites: bookworm
"""
KEY = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEZexample\n -----END PGP PUBLIC KEY BLOCK-----"
ONE_LINE = """\
# deb https://off.example.org/debian bookworm main
deb-src https://mirror.example.org/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/example.gpg] https://mirror.example.org/debian bookworm main # note
deb https://mirror.example.org/debian bookworm-updates main
"""


def written(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [("sources.list.d/debian.sources", DEB822), ("sources.list", ONE_LINE), ("sources.list.d/x.list", ONE_LINE)],
)
def test_the_running_suites_entry(tmp_path: Path, name: str, text: str) -> None:
    entry = sources.carrying(sources.entries(written(tmp_path, name, text)), "bookworm")
    assert entry is not None
    assert entry.uris == ("https://mirror.example.org/debian",)
    assert entry.signed_by == "/usr/share/keyrings/example.gpg"
    assert "main" in entry.components


def test_disabled_and_foreign_files_are_passed_over(tmp_path: Path) -> None:
    written(tmp_path, "sources.list.d/a.sources.disabled", DEB822)
    written(tmp_path, "sources.list.d/b.sources", DEB822[DEB822.index("Enabled: no") :])
    written(tmp_path, "sources.list.d/c.sources", "Enabled: no\n" + DEB822.partition("\n\n")[0])
    assert sources.entries(tmp_path) == []


def test_our_own_file_is_not_the_machines(tmp_path: Path) -> None:
    written(tmp_path, "sources.list.d/dockyard-trixie.sources", DEB822.replace("bookworm", "trixie"))
    assert sources.carrying(sources.entries(tmp_path), "trixie") is None


def test_an_embedded_key_is_kept(tmp_path: Path) -> None:
    text = f"Types: deb\nURIs: https://mirror.example.org/debian\nSuites: bookworm\nSigned-By:{KEY}\n"
    base = sources.carrying(sources.entries(written(tmp_path, "sources.list.d/debian.sources", text)), "bookworm")
    assert base
    made = sources.extra_suite(base, "trixie", tmp_path)[tmp_path / "sources.list.d/dockyard-trixie.sources"]
    assert f"Signed-By:{KEY}\n" in made


def test_bookworm_takes_the_engine_from_trixie(tmp_path: Path) -> None:
    found = sources.entries(written(tmp_path, "sources.list.d/debian.sources", DEB822))
    wish = packages.wish(BOOKWORM, found, tmp_path)
    assert wish.packages[:2] == ("docker.io/trixie", "docker-cli/trixie") and wish.packages[-1] == "iptables"
    assert wish.files == {
        tmp_path / "sources.list.d/dockyard-trixie.sources": (
            "Types: deb\nURIs: https://mirror.example.org/debian\nSuites: trixie\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/example.gpg\n"
        ),
        tmp_path / "preferences.d/dockyard-trixie": "Package: *\nPin: release n=trixie\nPin-Priority: 50\n",
    }


def test_bookworm_that_calls_itself_trixie(tmp_path: Path) -> None:
    found = sources.entries(written(tmp_path, "sources.list.d/debian.sources", DEB822))
    assert packages.wish(TRIXIE, found, tmp_path).files


def test_trixie_is_plain(tmp_path: Path) -> None:
    found = [Entry(("https://mirror.example.org/debian",), ("trixie",), ("main",))]
    wish = packages.wish(TRIXIE, found, tmp_path)
    assert not wish.files and "docker-compose" in wish.packages


def test_ubuntu(tmp_path: Path) -> None:
    assert packages.wish({"ID": "ubuntu", "VERSION_ID": "24.04"}, []).packages == packages.UBUNTU


@pytest.mark.parametrize(
    "release",
    [
        {"ID": "debian", "VERSION_ID": "11", "VERSION_CODENAME": "bullseye", "PRETTY_NAME": "Debian 11"},
        {"ID": "ubuntu", "VERSION_ID": "20.04", "PRETTY_NAME": "Ubuntu 20.04"},
        {"ID": "fedora", "PRETTY_NAME": "Fedora 43"},
        {},
    ],
)
def test_other_systems_are_told_where_to_read(release: dict[str, str]) -> None:
    with pytest.raises(EngineError, match="Debian 12 or newer and Ubuntu") as caught:
        packages.wish(release, [])
    assert "docs.docker.com" in caught.value.next_step


def test_files_that_are_there_are_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("# made by hand\nTypes: deb\n\n")
    assert sources.missing({file: "Types: deb\n"}) == {}
    assert sources.missing({file: "Types: deb-src\n"})


def test_changes_are_read_from_apts_simulation() -> None:
    simulation = """\
Inst base-files [12.4+deb12u11] (13.8+deb13u8 Debian:13.8/stable [amd64])
Inst docker.io (26.1.5+dfsg1-9 Debian:13.8/stable [amd64]) []
Conf docker.io (26.1.5+dfsg1-9 Debian:13.8/stable [amd64])
"""
    assert packages.parse_changes(simulation) == (
        packages.Change("base-files", "12.4+deb12u11", "13.8+deb13u8"),
        packages.Change("docker.io", "", "26.1.5+dfsg1-9"),
    )


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("dlstatus:3:50.0:Retrieving file 3 of 16", (0.25, "Retrieving file 3 of 16")),
        ("pmstatus:docker.io:50.0:Installing docker.io (amd64)", (0.75, "Installing docker.io (amd64)")),
        ("Setting up docker.io", None),
    ],
)
def test_progress_lines(line: str, status: object) -> None:
    assert packages.status_line(line) == status


APT = """\
#!/bin/sh
echo "$*" >> {log}
case "$*" in
*update*) {update} ;;
*-s*) echo '{inst}' ;;
*--print-uris*) echo "'https://mirror.example.org/a.deb' a.deb 90000000 SHA256:0" ;;
*) echo 'pmstatus:docker.io:50.0:Installing'; {install} ;;
esac
"""


@pytest.fixture
def apt(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Debian 13 without Docker whose apt-get only writes down how it was called; returns where."""
    pretend(home)
    monkeypatch.setenv("PATH", f"{home}/bin:/usr/bin:/bin")
    monkeypatch.setattr(machine, "os_release", lambda: TRIXIE)
    monkeypatch.setattr(machine, "person", lambda: "root")
    monkeypatch.setattr(machine, "as_root", lambda: [])
    monkeypatch.setattr(sources, "entries", lambda: [Entry(("https://mirror.example.org/debian",), ("trixie",), ())])
    monkeypatch.setattr(packages.command, "look", packages.command.Command)
    return home / "apt.log"


def pretend(home: Path, inst: str = "Inst docker.io (26.1 x)", update: str = "true", install: str = "true") -> None:
    (home / "bin").mkdir(exist_ok=True)
    script = home / "bin/apt-get"
    script.write_text(APT.format(log=home / "apt.log", inst=inst, update=update, install=install))
    script.chmod(0o755)


def test_a_plan_changes_nothing_and_says_everything(home: Path, apt: Path) -> None:
    plan = packages.plan()
    said = "\n".join(plan.lines())
    assert "docker.io 26.1" in said and "90 MB" in said and "No package is removed" in said
    calls = apt.read_text().splitlines()
    assert all("Dir::State::Lists=" in call for call in calls)
    assert [
        call for call in calls if "install" in call and "-s" not in call.split() and "--print-uris" not in call
    ] == []


def test_nothing_is_installed_where_apt_would_remove(home: Path, apt: Path) -> None:
    pretend(home, "Inst docker.io (26.1 x)\nRemv precious [1.0]")
    with pytest.raises(EngineError, match="would remove precious"):
        packages.plan()


def test_apt_that_fails_shows_its_last_lines(home: Path, apt: Path) -> None:
    pretend(home, update="echo E: no such host >&2; exit 100")
    with pytest.raises(EngineError, match=r"apt-get update failed.*\n.*no such host"):
        packages.plan()


def test_install_tells_its_progress_and_keeps_a_log(home: Path, apt: Path) -> None:
    told: list[float] = []
    log = packages.install(packages.plan(), lambda part, words: told.append(part))
    assert told == sorted(told) and 0.75 in told
    assert "--no-install-recommends" in log.read_text() and "--no-remove" in log.read_text()


def test_install_that_fails_shows_the_log(home: Path, apt: Path) -> None:
    pretend(home, install="echo dpkg: error; exit 100")
    with pytest.raises(EngineError, match=r"apt-get install failed.*\n(.*\n)*.*dpkg: error") as caught:
        packages.install(packages.plan())
    assert "engine-install.log" in caught.value.expected


def test_the_command_asks_before_it_installs(home: Path, apt: Path) -> None:
    answer = CliRunner().invoke(engine_command, ["install"], input="n\n")
    assert "docker.io 26.1" in answer.output and "Do this now?" in answer.output
    assert answer.output.endswith("Nothing was changed.\n")
    assert "--no-remove" not in apt.read_text()
    assert "Nothing was changed" in CliRunner().invoke(engine_command, ["install", "--dry-run"]).output
    assert "--no-remove" not in apt.read_text()
    assert "is installed" in CliRunner().invoke(engine_command, ["install", "--yes"]).output
    assert "--no-remove" in apt.read_text()


def test_membership_of_the_group_is_part_of_the_plan(home: Path, apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "person", lambda: "ada")
    assert any("Add ada to the group docker" in line for line in packages.plan().lines())


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up root")
def test_without_root_and_sudo(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    os.seteuid(65534)
    try:
        with pytest.raises(EngineError, match="needs root, and sudo is missing"):
            machine.as_root()
    finally:
        os.seteuid(0)
