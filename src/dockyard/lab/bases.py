"""The two bases that the lab images stand on.

Where a registry answers they are pulled. Where none does, they are made from the machine's own packages: busybox from
its static build, the distribution by debootstrap. Either way they end as `dockyard/base-…` on the engine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.errors import ImageError
from dockyard.lab import packages

if TYPE_CHECKING:
    from docker import DockerClient

RECIPE = "1"
"""Rises when a base made here would come out differently; older ones are then made anew."""

RECIPE_LABEL = "dev.dockyard.recipe"

ANSWER_SECONDS = 12
"""How long a registry may stay silent before the bases are made from packages instead."""

Say = Callable[[str], None]
Ask = Callable[[str], bool]


@dataclass(frozen=True)
class Base:
    """One base: its name on the engine, the image to pull, and how to make it otherwise."""

    name: str
    pulled_from: str

    @property
    def tag(self) -> str:
        return f"dockyard/base-{self.name}:latest"


BUSYBOX = Base("busybox", "busybox:stable-musl")
DEBIAN = Base("debian", "debian:trixie-slim")


def ensure(client: DockerClient, base: Base, *, say: Say, ask: Ask, fresh: bool = False) -> str:
    """Make sure that a base is on the engine, and return its tag.

    Args:
        client: the engine.
        base: which one.
        say: gets one short line for each step.
        ask: is asked before anything runs as another user than now (sudo).
        fresh: get it again even if it is there.

    Raises:
        ImageError: neither a registry nor the machine's packages can give it.
    """
    if not fresh and _is_there(client, base):
        return base.tag
    refusal = pull(client, base, say)
    if refusal is None:
        return base.tag
    if not packages.have_apt():
        raise ImageError(
            f"No registry gave {base.pulled_from}: {refusal}",
            "Where no registry answers, the bases are made from packages of Debian or Ubuntu; this machine is neither.",
            "On another machine: dockyard images save FILE — then here: dockyard images load FILE",
        )
    with tempfile.TemporaryDirectory(prefix="dockyard-base-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        archive = _make_busybox(folder, say) if base is BUSYBOX else _make_debian(folder, say, ask)
        say("handing the base to the engine")
        import_archive(client, archive, base.tag)
    return base.tag


def _is_there(client: DockerClient, base: Base) -> bool:
    from docker.errors import ImageNotFound

    try:
        image = client.images.get(base.tag)
    except ImageNotFound:
        return False
    # A pulled base carries no label of ours, and needs none: it is the registry's.
    return image.labels.get(RECIPE_LABEL, RECIPE) == RECIPE


def pull(client: DockerClient, base: Base, say: Say) -> str | None:
    """Pull a base and give it the course's own name.

    Returns:
        None when it is there, else the reason why not, in the engine's words.
    """
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    say(f"asking the registry for {base.pulled_from}")
    repository, tag = base.pulled_from.split(":")
    usual = client.api.timeout
    try:
        client.images.get(base.pulled_from)
        had_it = True
    except ImageNotFound:
        had_it = False
    try:
        client.api.timeout = ANSWER_SECONDS
        for line in client.api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in line:
                return str(line["error"])
            say(f"{line.get('status', 'pulling')} {line.get('progress', '')}".strip())
        image = client.images.get(base.pulled_from)
    except (DockerException, RequestException) as error:
        return str(getattr(error, "explanation", None) or error)
    finally:
        client.api.timeout = usual
    image.tag(base.tag)
    if not had_it:
        client.images.remove(base.pulled_from, noprune=True)
    return None


def import_archive(client: DockerClient, archive: Path, tag: str) -> None:
    """Turn a tar archive of a root folder into an image of one layer, as `docker image import` does."""
    repository, version = tag.rsplit(":", 1)
    with archive.open("rb") as stream:
        reply = client.api.import_image_from_file(
            stream.name, repository=repository, tag=version, changes=[f"LABEL {RECIPE_LABEL}={RECIPE}"]
        )
    if '"error"' in reply:
        raise ImageError(f"The engine did not take {tag}: {reply.strip()}")


# --- busybox ----------------------------------------------------------------------------------------------------------

BUSYBOX_FOLDERS = (
    "bin",
    "dev",
    "etc",
    "home",
    "proc",
    "root",
    "sys",
    "tmp",
    "usr",
    "usr/bin",
    "usr/sbin",
    "var",
    "var/www",
)


def _make_busybox(folder: Path, say: Say) -> Path:
    """Make the archive of a root folder that holds one static busybox and a link for each of its applets."""
    say("fetching busybox-static with apt")
    root = packages.unpack(["busybox-static"], folder)
    program = next((path for place in ("bin", "usr/bin") if (path := root / place / "busybox").is_file()), None)
    if program is None:
        raise ImageError("The package busybox-static holds no program called busybox.")
    applets = packages.run([str(program), "--list"], what="Asking busybox for its applets").split()
    archive = folder / "busybox.tar"
    with tarfile.open(archive, "w") as tar:
        for entry in _busybox_entries(applets):
            tar.addfile(entry)
        entry = tarfile.TarInfo("bin/busybox")
        entry.mode, entry.size = 0o755, program.stat().st_size
        with program.open("rb") as stream:
            tar.addfile(entry, stream)
        for name, text in (("etc/nsswitch.conf", "hosts: files dns\n"), ("etc/shells", "/bin/sh\n")):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o644, len(text)
            tar.addfile(entry, BytesIO(text.encode()))
    return archive


def _busybox_entries(applets: list[str]) -> Iterator[tarfile.TarInfo]:
    for name in BUSYBOX_FOLDERS:
        entry = tarfile.TarInfo(name)
        entry.type = tarfile.DIRTYPE
        entry.mode = {"tmp": 0o1777, "root": 0o700}.get(name, 0o755)
        yield entry
    for applet in sorted({Path(name).name for name in applets} - {"busybox"}):
        entry = tarfile.TarInfo(f"bin/{applet}")
        entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
        yield entry
    # Scripts name these two by their usual path.
    for name in ("env", "awk"):
        entry = tarfile.TarInfo(f"usr/bin/{name}")
        entry.type, entry.linkname = tarfile.SYMTYPE, "../../bin/busybox"
        yield entry


# --- the distribution -------------------------------------------------------------------------------------------------

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


def _make_debian(folder: Path, say: Say, ask: Ask) -> Path:
    """Make the archive of a minimal root folder of the machine's own release, with its own package sources."""
    known = packages.archives()
    main = known[0]
    tools = packages.unpack(["debootstrap"], folder)
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


def _debootstrap(command: list[str], env: dict[str, str], say: Say) -> None:
    """Run debootstrap and pass on what it is doing.

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
    if process.returncode:
        raise ImageError(
            f"debootstrap failed with status {process.returncode} while making the base of dockyard/debian.",
            "\n".join(last),
            "Check that apt works here (apt-get update), then: dockyard images build debian",
        )
