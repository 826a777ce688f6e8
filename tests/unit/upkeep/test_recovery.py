"""Whose the content of the volumes is, when an upgrade goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drift.upkeep.model import Container
from drift.upkeep.reading import read_container
from drift.upkeep.recovery import written_since

T0 = datetime(2026, 11, 23, 2, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00Z"


def container(text: str) -> Container:
    """``MINUTE`` when it last started (``-``: never), ``!`` after it where it runs."""
    minute = text.rstrip("!")
    started = NEVER if minute == "-" else (T0 + timedelta(minutes=int(minute))).isoformat()
    status = "running" if text.endswith("!") else "exited"
    return read_container({"Id": text, "State": {"Status": status, "StartedAt": started}})


@pytest.mark.parametrize(
    ("olds", "news", "written"),
    [
        ("0", "-", False),
        ("0", "5", True),
        ("0", "5!", True),
        ("-", "5", True),
        ("9", "5", False),
        ("9!", "5", False),
        ("0!", "5", False),
        ("0 1", "5 -", True),
        ("0 1", "- -", False),
        ("9 1", "5 6", False),
        ("1 9!", "5 6", False),
        ("", "5", True),
        ("0", "", False),
    ],
)
def test_the_new_ones_wrote_to_the_volumes_since(olds: str, news: str, written: bool) -> None:
    """Of several, all are restored or none: the first old one starts when all are."""
    ran = [container(text).started_at for text in news.split()]
    found = written_since(map(container, olds.split()), ran)
    assert found is written
