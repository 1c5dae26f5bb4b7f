"""Carry the lab images from machine to machine in one file, for a class room without a registry."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from dockyard.errors import ImageError
from dockyard.lab.inventory import IMAGES, NAMES, states

if TYPE_CHECKING:
    from docker import DockerClient

CHUNK = 1 << 20
SMALL = 16 << 20
"""No list of names in an archive is larger than this."""

Moved = Callable[[int, int], None]
"""Is told the bytes that have been moved, and how many there are in all, as far as known."""


def save(client: DockerClient, file: Path, names: tuple[str, ...] = NAMES, moved: Moved | None = None) -> int:
    """Write lab images into one archive, as `docker image save` does.

    Args:
        client: the engine.
        file: what to write; `.tar`, `.tar.gz`, `.tgz` or `.tar.zst` says how. It is there whole or not at all.
        names: short names of the images.
        moved: is told of the progress, in bytes before compression.

    Returns:
        The size of the file in bytes.

    Raises:
        ImageError: an image is missing, the ending is unknown, or the file cannot be written.
    """
    _check_ending(file)
    found = states(client, names)
    if missing := [state.name for state in found if not state.found]:
        raise ImageError(
            f"Not on this engine: {', '.join(f'dockyard/{name}' for name in missing)}.",
            next_step="Run: dockyard images build",
        )
    total = sum(state.own for state in found)
    # docker-py asks for one name a request; the API takes several, and then shared layers are written once.
    url = client.api._url("/images/get")
    reply = client.api._get(url, params={"names": [state.tag for state in found]}, stream=True)
    client.api._raise_for_status(reply)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with _writer(part, file.name) as target:
            done = 0
            for chunk in reply.iter_content(CHUNK):
                target.write(chunk)
                done += len(chunk)
                if moved:
                    moved(done, max(total, done))
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(file)
    except OSError as error:
        raise ImageError(f"{file} cannot be written: {error.strerror or error}") from error
    finally:
        reply.close()
        part.unlink(missing_ok=True)
    return file.stat().st_size


def load(client: DockerClient, file: Path, moved: Moved | None = None) -> list[str]:
    """Load lab images from an archive, after looking that it holds nothing else.

    Args:
        client: the engine.
        file: what `save` wrote.
        moved: is told of the progress, in bytes of the archive after decompression.

    Returns:
        The full names of the images that were loaded.

    Raises:
        ImageError: the file is damaged or no archive of images, or names an image that is not a lab image.
    """
    _check_ending(file)
    names, total = look_into(file)

    def chunks(source: IO[bytes]) -> Iterator[bytes]:
        done = 0
        while chunk := source.read(CHUNK):
            done += len(chunk)
            if moved:
                moved(done, total)
            yield chunk

    from docker.errors import APIError, ImageLoadError

    try:
        with _reader(file) as source:
            for message in client.api.load_image(cast(bytes, chunks(source))):
                if "errorDetail" in message:
                    raise ImageError(f"The engine did not take {file.name}: {message['errorDetail'].get('message')}")
    except (APIError, ImageLoadError) as error:
        raise ImageError(f"The engine did not take {file.name}: {error}") from error
    return names


def look_into(file: Path) -> tuple[list[str], int]:
    """Return the names of the images that an archive holds, and its size before compression in bytes.

    Raises:
        ImageError: the file is damaged or no archive of images, or names an image that is not a lab image.
    """
    names: set[str] = set()
    total = 0
    unnamed = False
    try:
        with _reader(file) as source, tarfile.open(fileobj=source, mode="r|") as tar:
            for member in tar:
                total = member.offset_data + member.size
                if member.name in ("manifest.json", "index.json", "repositories") and member.isreg():
                    if member.size > SMALL:
                        raise ImageError(f"{file.name} is damaged: its {member.name} is too large.")
                    content = json.load(cast(IO[bytes], tar.extractfile(member)))
                    found = list(_names(member.name, content))
                    unnamed = unnamed or not all(found) or (member.name == "manifest.json" and not found)
                    names |= {_plain(name) for name in found if name}
    except (tarfile.TarError, EOFError, ValueError, OSError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(
            f"{file.name} is damaged, or no archive of images: {error}",
            "Expected a file that dockyard images save has written.",
            "Copy it again, or save it again",
        ) from error
    lab = {image.tag for image in IMAGES.values()}
    foreign = sorted(names - lab)
    if foreign or unnamed or not names:
        holds = ", ".join(foreign) or ("an image without a name" if unnamed else "no image")
        raise ImageError(
            f"{file.name} holds {holds}.",
            f"Only lab images are loaded: {', '.join(sorted(lab))}.",
            f"If you trust it: docker image load --input {file.name}",
        )
    return sorted(names), total


def _names(member: str, content: Any) -> Iterator[str]:
    """The image names in one of the lists that an archive may hold, an empty text for an image without one.

    Docker's own list is manifest.json; engines with containerd's store read index.json (OCI image layout), old ones
    wrote repositories.
    """
    if member == "manifest.json":
        for entry in content:
            yield from entry.get("RepoTags") or [""]
    elif member == "index.json":
        for entry in content.get("manifests", []):
            annotations = entry.get("annotations") or {}
            yield annotations.get("io.containerd.image.name") or ""
    else:
        for repository, tags in content.items():
            for tag in tags:
                yield f"{repository}:{tag}"


def _plain(name: str) -> str:
    return name.removeprefix("docker.io/")


def _kind(name: str) -> str:
    for ending, kind in ((".tar", "tar"), (".tar.gz", "gz"), (".tgz", "gz"), (".tar.zst", "zst")):
        if name.endswith(ending):
            return kind
    return ""


def _check_ending(file: Path) -> None:
    kind = _kind(file.name)
    if not kind:
        raise ImageError(f"{file.name} has an ending that says nothing.", "Endings: .tar, .tar.gz, .tgz, .tar.zst.")
    if kind == "zst" and shutil.which("zstd") is None:
        raise ImageError(
            "There is no zstd on this machine.", "It reads and writes .zst.", "Use a name that ends in .tar.gz"
        )


@contextmanager
def _writer(path: Path, name: str) -> Iterator[IO[bytes]]:
    kind = _kind(name)
    if kind == "tar":
        with path.open("wb") as stream:
            yield stream
    elif kind == "gz":
        with gzip.open(path, "wb", compresslevel=6) as packed:
            yield cast(IO[bytes], packed)
    else:
        with subprocess.Popen(["zstd", "-q", "-T0", "-o", str(path)], stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            yield process.stdin
            process.stdin.close()
        if process.returncode:
            raise OSError(0, "zstd failed")


@contextmanager
def _reader(file: Path) -> Iterator[IO[bytes]]:
    kind = _kind(file.name)
    if kind == "tar":
        with file.open("rb") as stream:
            yield stream
    elif kind == "gz":
        with gzip.open(file, "rb") as packed:
            yield cast(IO[bytes], packed)
    else:
        with tempfile.TemporaryFile() as complaints:
            command = ["zstd", "-q", "-d", "-c", str(file)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process:
                assert process.stdout is not None
                try:
                    yield process.stdout
                    while process.stdout.read(CHUNK):
                        pass  # to its end, so that damage there is noticed
                finally:
                    process.stdout.close()
            if process.returncode:
                raise OSError(0, "zstd cannot read it")
