"""Two nights, and ways to ask whether files of theirs are the same in normal form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drift.snapshot import forms
from drift.snapshot.forms import Settled, Window

MONDAY = datetime(2026, 11, 23, 3, 2, 40, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, 3, 9, 17, tzinfo=UTC)


def window(start: datetime, seconds: float = 90) -> Window:
    """The window of a build that began then."""
    return Window(start, start + timedelta(seconds=seconds))


FIRST, SECOND = window(MONDAY), window(TUESDAY)


def normal(path: str, content: bytes, at: Window | None) -> Settled | None:
    """The content in the form that is chosen for it, as a layer's reading does it."""
    form = forms.choose(path, 0o644, len(content), content[: forms.START])
    return None if form is None else forms.settled(form, path, content, at)


def form_of(path: str, content: bytes, at: Window | None = FIRST) -> str | None:
    """The name of the form that the content is in."""
    result = normal(path, content, at)
    return None if result is None else result[0].name


def same(path: str, first: bytes, second: bytes) -> bool:
    """Whether two nights' files are the same in normal form; having none is not the same."""
    before, after = normal(path, first, FIRST), normal(path, second, SECOND)
    return before is not None and after is not None and before == after
