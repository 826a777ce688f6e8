"""An engine of a module's own with a registry beside it, and small services to upgrade there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.own_engine import own_engine
from support.registry import running_registry
from support.services import Services


@pytest.fixture(scope="module")
def services_made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """What every test of a module upgrades in; see ``services``."""
    with (
        own_engine(tmp_path_factory.mktemp("own"), 1000) as engine,
        running_registry(tmp_path_factory.mktemp("registry")) as address,
    ):
        yield Services(engine, address, tmp_path_factory.mktemp("project"))


@pytest.fixture
def services(services_made: Services) -> Iterator[Services]:
    """An engine without containers and volumes, and a drift.toml of the defaults."""
    services_made.rules()
    yield services_made
    services_made.clean()
