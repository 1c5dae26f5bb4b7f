"""Where the course lies: the checkout, its folders, its lessons. Paths only; nothing is made or changed here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dockyard.errors import DockyardError

COURSE_ID = "dockyard"
"""nbgrader's name for the course; it is also a folder of the exchange."""


@dataclass(frozen=True)
class Course:
    """The folders of one checkout. The names are nbgrader's, so that its commands find them."""

    root: Path

    @property
    def notebooks(self) -> Path:
        """The lessons as text: the one place that authors edit."""
        return self.root / "notebooks"

    @property
    def source(self) -> Path:
        """The instructor's notebooks, built from the text."""
        return self.root / "source"

    @property
    def release(self) -> Path:
        """The learners' notebooks, without solutions."""
        return self.root / "release"

    @property
    def submitted(self) -> Path:
        """Hand-ins that were collected."""
        return self.root / "submitted"

    @property
    def autograded(self) -> Path:
        """Hand-ins that were graded."""
        return self.root / "autograded"

    @property
    def feedback(self) -> Path:
        """What goes back to the learners."""
        return self.root / "feedback"

    @property
    def gradebook(self) -> Path:
        """nbgrader's database, where no other is configured."""
        return self.root / "gradebook.db"

    @property
    def workspace(self) -> Path:
        """The learner's own folder: what JupyterLab shows."""
        return self.root / "workspace"

    @property
    def own_exchange(self) -> Path:
        """The exchange of a learner who works alone: a folder of the checkout."""
        return self.root / "exchange"

    @property
    def exchange(self) -> Path:
        """Where lessons go out and hand-ins come back: the folder in `DOCKYARD_EXCHANGE`, or the checkout's own."""
        return Path(os.environ.get("DOCKYARD_EXCHANGE") or self.own_exchange).absolute()

    @property
    def state(self) -> Path:
        """What Dockyard remembers of this checkout; deleting it costs time, never work."""
        return self.root / ".dockyard"

    def released(self) -> list[str]:
        """Return the names of the lessons that can be handed out, in order."""
        if not self.release.is_dir():
            return []
        return sorted(folder.name for folder in self.release.iterdir() if any(folder.glob("*.ipynb")))


def find_course() -> Course:
    """Return the course whose checkout this package is installed from, else the one around the current folder.

    Raises:
        DockyardError: neither is a checkout of the course.
    """
    here = Path(__file__).resolve().parents[2]
    for folder in (here, Path.cwd(), *Path.cwd().parents):
        if (folder / "nbgrader_config.py").is_file() and (folder / "notebooks").is_dir():
            return Course(folder)
    raise DockyardError(
        f"No course around {Path.cwd()}.",
        "Expected a folder with nbgrader_config.py and notebooks/.",
        "Go to the course's checkout and type ./dockyard lab",
    )
