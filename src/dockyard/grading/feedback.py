"""Releasing feedback: nbgrader's own, which does not stop at a hand-in that came another way than its exchange."""

from __future__ import annotations

import glob
from pathlib import Path

from nbgrader.exchange.default import ExchangeReleaseFeedback

EXCHANGES_OWN = ("timestamp.txt", "submission_secret.txt")  # by which a learner's nbgrader finds the feedback again


class ReleaseFeedback(ExchangeReleaseFeedback):
    """Release as nbgrader does, and name the learners to whom it cannot: their hand-ins were uploaded.

    Nothing can be put into the exchange for them: the name under which feedback lies there is made of a secret that
    only `nbgrader submit` gives a learner.
    """

    def copy_files(self) -> None:
        folders = [Path(path) for path in sorted(glob.glob(self.src_path))]
        uploaded = [path for path in folders if not all((path / name).is_file() for name in EXCHANGES_OWN)]
        if not uploaded:
            super().copy_files()
            return
        for path in uploaded:
            self.log.warning(
                "Not released: %s was not handed in through the exchange. Send the learner its pages.", path
            )
        before = self.coursedir.student_id_exclude
        names = [path.parent.name for path in uploaded]
        self.coursedir.student_id_exclude = ",".join([before, *names] if before else names)
        try:
            super().copy_files()
        finally:
            self.coursedir.student_id_exclude = before
