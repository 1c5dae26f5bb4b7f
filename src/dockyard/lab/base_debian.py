"""Make the distribution's base from the machine's own packages: debootstrap, made slim, with the machine's sources."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from dockyard.errors import ImageError
from dockyard.lab import packages

Say = Callable[[str], None]
Ask = Callable[[str], bool]

SLIM = """set -e
cd "$1"
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/* usr/share/man/* usr/share/info/* usr/share/lintian/*
find usr/share/doc -mindepth 2 ! -type d ! -name copyright -delete
find usr/share/doc -mindepth 1 -type d -empty -delete
find usr/share/locale -mindepth 1 -maxdepth 1 ! -name 'locale.alias' -exec rm -rf {} +
rm -f etc/hostname etc/resolv.conf etc/machine-id var/lib/dpkg/*-old var/cache/ldconfig/aux-cache
rm -rf dev/* run/* tmp/* var/tmp/*
mkdir -p var/cache/apt/archives/partial var/lib/apt/lists/partial
cp "$2/sources.list" etc/apt/sources.list
rm -f etc/apt/sources.list.d/*
cp "$2/dockyard.conf" etc/apt/apt.conf.d/90dockyard
cp "$2/dpkg.conf" etc/dpkg/dpkg.cfg.d/90dockyard
tar --numeric-owner --xattrs -cf "$3" .
"""

DPKG_SETTINGS = """path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-include=/usr/share/locale/locale.alias
force-unsafe-io
"""

APT_SETTINGS = """Acquire::Languages "none";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
"""


def make(folder: Path, say: Say, ask: Ask) -> Path:
    """Make the archive of a minimal root folder of the machine's own release, with its own package sources.

    Args:
        folder: an empty folder to work in.
        say: gets one short line for each step.
        ask: is asked before sudo is called.

    Raises:
        ImageError: apt cannot give debootstrap, debootstrap fails, or it may not run as root.
    """
    tools = packages.unpack(["debootstrap"], folder)
    known = packages.archives()
    main = known[0]
    if shutil.which("wget") is None:
        packages.write_wget(folder / "bin")
    settings = folder / "settings"
    settings.mkdir()
    (settings / "sources.list").write_text("".join(archive.source_line() + "\n" for archive in known), encoding="utf-8")
    (settings / "dockyard.conf").write_text(APT_SETTINGS + "\n".join(packages.apt_settings()) + "\n", encoding="utf-8")
    (settings / "dpkg.conf").write_text(DPKG_SETTINGS, encoding="utf-8")
    root, archive = folder / "root", folder / "debian.tar"
    command = ["sh", str(tools / "usr/sbin/debootstrap"), "--variant=minbase"]
    ring = packages.keyring()
    if ring:
        command.append(f"--keyring={ring}")
    if main.uri.startswith("https:"):
        command.append("--include=ca-certificates")
    command += [f"--components={','.join(main.components)}", main.suite, str(root), main.uri]
    env = packages.proxy_environment()
    env["DEBOOTSTRAP_DIR"] = str(tools / "usr/share/debootstrap")
    env["PATH"] = os.pathsep.join([env.get("PATH", ""), "/usr/sbin", "/sbin", str(folder / "bin")])
    as_root = _become_root(ask, env)
    try:
        _debootstrap([*as_root, *command], env, say)
        say("making it slim")
        script = ["sh", "-c", SLIM, "slim", str(root), str(settings), str(archive)]
        packages.run([*as_root, *script], what="Making the base slim", env=env)
    finally:
        if as_root:  # its files are root's, and the temporary folder is to go
            subprocess.run([*as_root, "rm", "-rf", "--one-file-system", str(root)], check=False)
    return archive


def _become_root(ask: Ask, env: dict[str, str]) -> list[str]:
    """The words to put before a command that must run as root: none, or sudo with what debootstrap reads."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None or not ask(
        "debootstrap sets files' owners and must run as root. Call it with sudo?"
    ):
        raise ImageError(
            "The base of dockyard/debian is made by debootstrap, which must run as root.",
            next_step="Run: sudo dockyard images build — or bring the images: dockyard images load FILE",
        )
    kept = ("DEBOOTSTRAP_DIR", "PATH", "http_proxy", "https_proxy")
    return ["sudo", "env", *(f"{name}={env[name]}" for name in kept if name in env)]


def _debootstrap(command: list[str], env: dict[str, str], say: Say, tries: int = 3) -> None:
    """Run debootstrap and pass on what it is doing; where only a download failed, go on with what has come.

    Raises:
        ImageError: it failed; the message holds its last lines.
    """
    last: list[str] = []
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = [*last[-7:], line.rstrip()]
            if line.startswith("I: "):
                say(f"debootstrap: {line[3:].rstrip(' .').strip()[:70]}")
    if process.returncode and tries > 1 and any("Couldn't download" in line for line in last):
        say("some packages did not arrive: once more")
        _debootstrap(command, env, say, tries - 1)
    elif process.returncode:
        raise ImageError(
            f"debootstrap failed with status {process.returncode} while making the base of dockyard/debian.",
            "\n".join(last),
            "Check that apt works here (apt-get update), then: dockyard images build debian",
        )
