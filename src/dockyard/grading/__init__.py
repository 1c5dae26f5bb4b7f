"""The nbgrader side: grade hand-ins from evidence. Nothing that a learner wrote is executed here."""
