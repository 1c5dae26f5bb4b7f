"""Dockyard: learn Docker on a real engine, in notebooks that nbgrader grades from evidence."""

from dockyard.exercise import exercise
from dockyard.progress import progress

__all__ = ["exercise", "progress"]
