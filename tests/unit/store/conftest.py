"""An empty database, and a store in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drift.store.store import Store
from support.store_samples import DATABASES, empty_database


@pytest.fixture(params=DATABASES, ids=lambda database: database.partition(":")[0])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request.param, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened
