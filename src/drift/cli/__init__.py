"""The command line: one file per command. Only this package prints.

``import drift.cli`` is light, and so is every module in here: what a command needs is
imported when it runs, so that ``drift --help`` answers at once.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the ``drift`` command; ends the process with its exit code."""
    try:
        from drift.cli.app import run
    except KeyboardInterrupt:  # before there is anyone to say it
        sys.exit(2)
    sys.exit(run())
