"""drift with another clock: for nights on which a build says a day that is not today's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from support.project import Project

# Python imports this before anything of drift's.
_SITE = """\
import datetime, os, time

_seconds = float(os.environ.get("DRIFT_TEST_CLOCK", "0"))
_time = time.time
time.time = lambda: _time() + _seconds


class datetime_(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=_seconds)


datetime_.__name__ = datetime_.__qualname__ = "datetime"
datetime.datetime = datetime_
"""


@contextmanager
def shifted(project: Project, days: int) -> Iterator[None]:
    """Run the project's drift with a clock that is some days off."""
    site = project.root.parent / "clock"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(_SITE)
    before = dict(project.environment)
    path = f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    project.environment.update(PYTHONPATH=path, DRIFT_TEST_CLOCK=str(days * 86400))
    try:
        yield
    finally:
        project.environment = before
