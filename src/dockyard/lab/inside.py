"""What is in a container, for checks: origin, command, files, output. Only reads; nothing runs in the container."""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.models.images import Image

SHELLS = ("sh", "ash", "bash", "dash")
MAX_LINKS = 40  # that lead to one file; path_resolution(7) has the same limit
# What the history says of a step that made a layer: BuildKit, the builder before it, and nothing at all.
MAKES_LAYER = re.compile(r"(RUN|COPY|ADD|WORKDIR)\b|/bin/sh -c (?!#\(nop\))|/bin/sh -c #\(nop\)\s+(COPY|ADD)\b|\Z")
OTHER_BUILD = (
    "{} was made from another image, or from an earlier build: remove the container and create it anew. "
    "(Newer engines give an image a new ID at every build, even from the cache.)"
)
ADDED = 1  # `Kind` of a change: GET /containers/{id}/changes of the Engine API


def made_from(container: Container, image: Image) -> bool:
    """Tell whether a container was made from an image, by its ID or, if the image was rebuilt since, by its name."""
    named = container.attrs["Config"]["Image"].partition("@")[0]  # a digest may follow the name
    tagged = named if ":" in named.rpartition("/")[2] else f"{named}:latest"
    return container.attrs["Image"] == image.id or tagged.removeprefix("docker.io/") in image.tags


def of_this_build(container: Container, image: Image) -> bool:
    """Tell whether a container was made from an image as it is now, not from another or from an earlier build.

    On the containerd image store a build gives a new ID even if all of it came from the cache, since the ID covers the
    provenance, with the time of the build; so layers and config are compared. If that store has dropped the earlier
    build, name and time must do: the time in the image's config stays that of the first build.
    """
    from docker.errors import ImageNotFound

    if container.attrs["Image"] == image.id:
        return True
    try:
        used = container.image
    except ImageNotFound:
        used = None
    if used is None:
        return made_from(container, image) and moment(image.attrs["Created"]) <= moment(container.attrs["Created"])
    return all(used.attrs[part] == image.attrs[part] for part in ("RootFS", "Config"))


def moment(time: str) -> tuple[str, str]:
    """Return a time of the Engine API in a form that can be compared: seconds, and their fraction to nine digits."""
    seconds, _, fraction = time.removesuffix("Z").partition(".")
    return seconds, fraction.ljust(9, "0")


def hand_made(image: Image, base: Image) -> list[str]:
    """Return what made the layers of an image above its base, as far as no line of a Dockerfile did: `commit`, mostly.

    Args:
        image, base: the image stands on the layers of the base.
    """
    steps = image.history()[: -len(base.history())]
    made_by = [str(step["CreatedBy"] or "") for step in steps if step["Size"]]
    return [text for text in made_by if not text or not MAKES_LAYER.match(text)]


def mode(container: Container, kind: str) -> str:
    """Return whose namespace a container uses, for a message: "host", "container:0123456789ab", "the default".

    Args:
        kind: of HostConfig: "NetworkMode", "PidMode", "IpcMode", "UTSMode".
    """
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", container.attrs["HostConfig"][kind]) or "the default"


def origin(container: Container) -> str:
    """Return what a container was made from, for a message: the name that was given, a tag instead of a bare ID."""
    named: str = container.attrs["Config"]["Image"]
    if not named.startswith("sha256:"):
        return named
    return next(iter(container.image.tags), named[:19]) if container.image else named[:19]


def words(subject: Container | Image) -> list[str]:
    """Return the words that a container, or one made from an image, starts: its entrypoint and its command."""
    config = subject.attrs["Config"]
    return [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]


def runs(container: Container) -> list[str]:
    """Return the words of the program that a container runs, without its folder, and without a shell around it.

    `sleep 600`, `/bin/sleep 600`, `busybox sleep 600` and `sh -c "exec sleep 600"` all run `["sleep", "600"]`. The
    one word `"sleep 600"` does not, nor does `sh -c sleep 600`, whose shell passes the 600 by.
    """
    found = words(container)
    if len(found) > 1 and _program(found[0]) == "busybox":
        found = found[1:]
    if len(found) == 3 and _program(found[0]) in SHELLS and found[1] == "-c":
        found = found[2].strip().rstrip("; ").removeprefix("exec ").split()
    return [_program(found[0]), *found[1:]] if found else []


def _program(word: str) -> str:
    return word.rpartition("/")[2]


def parent(container: Container) -> str:
    """Return the PID, on the engine's host, of the parent of a running container's first process; "" if not told."""
    top = container.top()
    column = {title: index for index, title in enumerate(top["Titles"])}
    for row in top["Processes"] if {"PID", "PPID"} <= set(column) else ():
        if row[column["PID"]] == str(container.attrs["State"]["Pid"]):
            return str(row[column["PPID"]])
    return ""


def added(container: Container) -> set[str]:
    """Return the paths that a container has and its image has not, without what is mounted from outside."""
    mounted = {mount["Destination"] for mount in container.attrs["Mounts"] or []}
    return {change["Path"] for change in container.diff() or [] if change["Kind"] == ADDED} - mounted


def content(container: Container, path: str) -> bytes:
    """Return a file's content without white space around it, with plain line ends: an editor may write Windows' ones.

    Args:
        container: running or not.
        path: absolute, inside the container.

    Raises:
        AssertionError: there is nothing, or something else than a file.
    """
    from docker.errors import NotFound

    try:
        archive = io.BytesIO(b"".join(container.get_archive(path)[0]))
    except NotFound:
        raise AssertionError(f"There is no file {path} in {container.name}.") from None
    with tarfile.open(fileobj=archive) as tar:
        member = tar.next()
        if member is None or not member.isfile():
            raise AssertionError(f"{path} in {container.name} is not a plain file.")
        file = tar.extractfile(member)
        return file.read().replace(b"\r\n", b"\n").strip() if file else b""


def read_file(container: Container, path: str) -> bytes:
    """Return a file's bytes, also where a symbolic link leads to it.

    Args:
        container: running or not.
        path: absolute, inside the container.

    Raises:
        AssertionError: there is nothing, or something else than a file.
    """
    from docker.errors import NotFound

    place = path
    for _ in range(MAX_LINKS):
        try:
            stream, about = container.get_archive(place)
        except NotFound:
            lost = "" if place == path else f": it is a link to {place}, which is not there"
            raise AssertionError(f"{container.name} has no file {path}{lost}.") from None
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream)), mode="r:") as archive:
            member = archive.next()
            if member is not None and member.issym():
                # The engine resolves the whole way, links among the folders too; not every engine says where it leads.
                target = (about or {}).get("linkTarget") or member.linkname
                place = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
                continue
            file = archive.extractfile(member) if member is not None and member.isfile() else None
            if file is None:
                kind = "a folder" if member is not None and member.isdir() else "no plain file"
                raise AssertionError(f"{path} in {container.name} is {kind}.")
            return file.read()
    raise AssertionError(f"{path} in {container.name} is a link that leads to no file.")


def standing(container: Container) -> str:
    """Return how it stands with a container, and if it does not run, why: "exited: its process ended with code 0"."""
    state = container.attrs["State"]
    status = str(state["Status"])
    failed = str(state.get("Error") or "").strip().rpartition("container process: ")[2]  # without who told whom
    if status == "created":
        return f"created, and its start failed: {failed}" if failed else "created, and was never started"
    if status in ("exited", "dead"):
        return f"{status}: its process ended with code {state['ExitCode']}{f' ({failed})' if failed else ''}"
    return status


def main_processes(container: Container) -> list[str]:
    """Return the command lines of the main process and of all below it: not of what `exec` started beside them."""
    top = container.top()
    titles, rows = top["Titles"], top["Processes"] or []
    if not {"PID", "PPID"} <= set(titles):  # a ps that names no parents
        return [row[-1] for row in rows]
    pid, above = titles.index("PID"), titles.index("PPID")
    main = str(container.attrs["State"].get("Pid"))
    tree = {main if any(row[pid] == main for row in rows) else "1"}  # some engines count within the container
    found = []
    for row in rows:  # in the order of their numbers: a parent before its children
        if row[pid] in tree or row[above] in tree:
            tree.add(row[pid])
            found.append(row[-1])
    return found


def joined(container: Container) -> list[str]:
    """Return the command lines of the processes that came into a container through `exec`.

    Each `exec` begins a session of its own (setsid(2)), which its children keep, also if it ends and the main process
    adopts them. Where `ps` tells no sessions, what has its parent outside counts.
    """
    from docker.errors import APIError

    main = str(container.attrs["State"]["Pid"])
    try:
        rows = _rows(container.top(ps_args="-eo pid,ppid,sid,args"))
    except APIError:
        rows = []
    own = next((row.get("SID") for row in rows if row.get("PID") == main), None)
    if own:
        return [row["COMMAND"] for row in rows if row["SID"] != own]
    rows = _rows(container.top())
    inside = {row.get("PID") for row in rows}
    return [[*row.values()][-1] for row in rows if row.get("PID") != main and row.get("PPID") not in inside]


def _rows(top: dict[str, Any]) -> list[dict[str, str]]:
    return [dict(zip(top["Titles"], row, strict=True)) for row in top["Processes"] or []]


def printed(container: Container) -> bytes:
    """Return what the main process has printed, with plain line ends: a terminal (`--tty`) adds carriage returns."""
    return container.logs().replace(b"\r\n", b"\n")


def says(text: str, word: str) -> bool:
    """Tell whether a word, such as a release, stands in a text, and not only as a part of a longer one."""
    return re.search(rf"(?<![\w.+-]){re.escape(word)}(?![\w+-]|\.\w)", text) is not None


def one_line(answer: object) -> str:
    """Return a learner's answer as one line: `x = !command` gives a list of lines. A leading `name=` goes, too."""
    lines = answer if isinstance(answer, list) else [answer]
    return " ".join(map(str, lines)).rpartition("=")[2].strip()
