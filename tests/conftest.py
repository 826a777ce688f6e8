"""What holds for every test."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A busy machine makes an example slow, not wrong; pytest's own timeout ends what hangs.
settings.register_profile("drift", deadline=None)
# What a dependency's oldest version does with an example, it does with the hundredth too.
settings.register_profile("brief", deadline=None, max_examples=10)
settings.load_profile("drift")


@pytest.fixture
def heeded_signals() -> Iterator[None]:
    """SIGINT and SIGHUP as in a terminal; nohup and a shell's ``&`` have them ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
