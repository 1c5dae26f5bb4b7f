"""Run `docker buildx bake`, follow its steps, and say of a failure which image, which step and what it said last."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dockyard.errors import ImageError

LAST_LINES = 10
"""So many lines of a failed step's output are shown."""

Progress = Callable[[str, float, str], None]
"""Is told: an image's name, the part of it that is done (0 to 1), and what is being done."""

# BuildKit's plain output: "#12 [busybox 2/2] COPY etc/ /etc/", "#12 0.753 a line of output", "#12 DONE 0.1s"
_STEP = re.compile(r"#(?P<id>\d+) \[(?P<where>[^\]]+)\] ?(?P<what>.*)")
_OUTCOME = re.compile(r"#(?P<id>\d+) (?P<outcome>DONE|CACHED|CANCELED|ERROR)\b:? ?(?P<rest>.*)")
_OUTPUT = re.compile(r"#(?P<id>\d+) [\d.]+ (?P<text>.*)")
_INSTRUCTION = re.compile(r"^(FROM|RUN|COPY|ADD|WORKDIR)\b", re.IGNORECASE | re.MULTILINE)


@dataclass
class Step:
    """One step of a build: the image, its words, and the last lines it printed."""

    image: str
    what: str
    counts: bool
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


class Reader:
    """Reads the plain output of a bake line by line.

    Args:
        totals: for each image, how many steps its Dockerfile has.
        progress: is told of each step that begins or ends.
    """

    def __init__(self, totals: dict[str, int], progress: Progress) -> None:
        self.totals = totals
        self.progress = progress
        self.steps: dict[str, Step] = {}
        self.failed: Step | None = None
        self.reason = ""
        self.tail: deque[str] = deque(maxlen=LAST_LINES)
        self._done: dict[str, int] = defaultdict(int)
        self._ended: set[str] = set()

    def feed(self, line: str) -> None:
        """Take in one line."""
        line = line.rstrip()
        if line:
            self.tail.append(line)
        if match := _OUTCOME.match(line):
            self._end(match["id"], match["outcome"], match["rest"])
        elif match := _OUTPUT.match(line):
            if step := self.steps.get(match["id"]):
                step.lines.append(match["text"])
        elif (match := _STEP.match(line)) and match["id"] not in self.steps:
            self._begin(match["id"], match["where"], match["what"])

    def _begin(self, number: str, where: str, what: str) -> None:
        words = where.split()
        # With a single target its name is left out: "[1/2] FROM …".
        image = words[0] if words[0] in self.totals else next(iter(self.totals)) if len(self.totals) == 1 else ""
        internal = "internal" in words
        self.steps[number] = Step(image, f"{where.removeprefix(image).strip()} {what}".strip(), counts="/" in words[-1])
        if image and not internal:
            self.progress(image, self._part(image), what or where)

    def _end(self, number: str, outcome: str, rest: str) -> None:
        step = self.steps.get(number)
        if step is None or number in self._ended:
            return
        self._ended.add(number)
        if outcome == "ERROR":
            self.failed, self.reason = self.failed or step, self.reason or rest
        elif step.image and step.counts:
            self._done[step.image] += 1
            self.progress(step.image, self._part(step.image), step.what)

    def _part(self, image: str) -> float:
        return min(self._done[image] / max(self.totals[image], 1), 0.99)

    def error(self, status: int) -> ImageError:
        """Return what went wrong, for an exit status that is not 0."""
        if self.failed is None:
            return ImageError(
                f"The build ended with status {status}.", "\n".join(self.tail), "Then: dockyard images build"
            )
        step = self.failed
        name = f"dockyard/{step.image}" if step.image else "The bake file"
        said = "\n".join(f"  │ {line}" for line in step.lines) or f"  │ {self.reason}"
        return ImageError(
            f"{name} could not be built: the step “{step.what}” failed.",
            f"Its last lines:\n{said}\n{self.reason if step.lines else ''}".rstrip(),
            f"When it is mended: dockyard images build {step.image}".rstrip(),
        )


def bake(
    folder: Path, names: Iterable[str], variables: dict[str, str], progress: Progress, *, cache: bool = True
) -> None:
    """Build images by the bake file.

    Args:
        folder: the folder of the bake file; its own folder is where the bake file's paths begin.
        names: targets of the bake file.
        variables: values for the bake file's variables.
        progress: see `Progress`.
        cache: False builds every step anew.

    Raises:
        ImageError: buildx is missing, or a step failed.
    """
    names = list(names)
    environment, builder = _engine()
    check_buildx(environment)
    totals = {
        name: len(_INSTRUCTION.findall((folder / name / "Dockerfile").read_text(encoding="utf-8"))) for name in names
    }
    command = ["docker", "buildx", "bake", "--progress", "plain", "--builder", builder]
    command += [] if cache else ["--no-cache"]
    command += ["--file", str(folder / "docker-bake.hcl"), *names]
    reader = Reader(totals, progress)
    with subprocess.Popen(
        command,
        cwd=folder.parent,
        env=environment | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            reader.feed(line)
    if process.returncode:
        raise reader.error(process.returncode)
    for name in names:
        progress(name, 1.0, "built")


def _engine() -> tuple[dict[str, str], str]:
    """The environment and the builder by which buildx uses the same engine as the course, with its own image store."""
    from dockyard.engine import find

    endpoint = find()
    environment = os.environ | endpoint.environment()
    environment.pop("BUILDX_BUILDER", None)
    # The builder of the docker driver bears its context's name; one of another driver could not see local images.
    return environment, (endpoint.context if endpoint.by_cli and endpoint.context else "default")


def check_buildx(environment: dict[str, str] | None = None) -> None:
    """Make sure that the docker command and its buildx plugin are there.

    Raises:
        ImageError: one of them is not.
    """
    try:
        command = ["docker", "buildx", "version"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    except OSError as error:
        raise ImageError(
            f"The docker command cannot be run: {error}",
            "Lab images are built by docker buildx bake.",
            "Run: dockyard doctor",
        ) from error
    if done.returncode:
        raise ImageError(
            "docker has no buildx.",
            f"Lab images are built by docker buildx bake; docker says: {done.stderr.strip()[:200]}",
            "Install it (on Debian and Ubuntu: apt-get install docker-buildx), then: dockyard images build",
        )


def targets(folder: Path) -> dict[str, dict[str, object]]:
    """Return the targets of the bake file as buildx understands them (`bake --print`).

    Raises:
        ImageError: buildx cannot read the file.
    """
    command = ["docker", "buildx", "bake", "--print", "--file", str(folder / "docker-bake.hcl")]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(f"{folder / 'docker-bake.hcl'} cannot be read.", done.stderr.strip())
    return json.loads(done.stdout)["target"]
