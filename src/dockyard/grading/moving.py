"""Move a gradebook to another database, with all that persons gave: `python -m dockyard.grading.moving FROM TO`.

Grading anew would bring back what checks give, but no points or comments of a person, no due dates, no extensions.
"""

from __future__ import annotations

import os
import sys

from nbgrader.api import Base, Gradebook
from sqlalchemy import Connection, create_engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from dockyard.course import COURSE_ID
from dockyard.database import address, parsed, unusable
from dockyard.errors import DockyardError


def move(source: str, target: str) -> dict[str, int]:
    """Copy every row of a gradebook into an empty database: all of them or none. The old gradebook stays as it is.

    Args:
        source: the old gradebook's address, for example `sqlite:///gradebook.db`.
        target: the new one's; nbgrader's tables are made there.

    Returns:
        How many rows of each table were copied.

    Raises:
        DockyardError: one of them cannot be used, or the new one holds assignments or students already.
    """
    # nbgrader calls `alembic` by name for a new gradebook; it lies beside this Python
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    try:
        for url in (source, target):
            Gradebook(parsed(address(url)), COURSE_ID).close()  # type: ignore[arg-type]  # tables as nbgrader makes them
        old, new = (create_engine(parsed(address(url))) for url in (source, target))
        try:
            with old.connect() as reading, new.begin() as writing:
                return _copy(reading, writing)
        finally:
            old.dispose()
            new.dispose()
    except (SQLAlchemyError, ImportError) as error:
        raise unusable(error, "Nothing was copied.") from error


def _copy(old: Connection, new: Connection) -> dict[str, int]:
    tables = Base.metadata.sorted_tables  # what others refer to comes first
    for table in tables:
        if table.name in ("assignment", "student") and new.scalar(select(func.count()).select_from(table)):
            raise DockyardError(
                f"The new gradebook is not empty: it has rows in {table.name}.",
                next_step="Make another database: createdb --owner=USER DATABASE",
            )
    copied = {}
    for table in reversed(tables):
        new.execute(table.delete())  # the course that nbgrader enters by itself
    for table in tables:
        rows = [dict(row) for row in old.execute(select(table)).mappings()]
        if rows:
            new.execute(insert(table), rows)
        copied[table.name] = len(rows)
    return copied


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.executable} -m dockyard.grading.moving FROM TO   (two addresses)")
    try:
        counted = move(sys.argv[1], sys.argv[2])
    except DockyardError as error:
        sys.exit(f"✗ {error}")
    print("moved: " + ", ".join(f"{count} {name}" for name, count in counted.items()))
