"""Exit codes, and how errors become them: 0, 1 and 2 mean what the documentation says.

1 says "flagged" or "different" and nothing else: no error, no bug and no signal ends
in it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from drift.cli import output
from drift.errors import Error

# typer brings a click of its own, older ones use the one that is installed: this is the
# root of the usage errors of either.
UsageProblem: Any = next(t for t in typer.BadParameter.__mro__ if t.__name__ == "ClickException")

OK = 0
FLAGGED = 1
CANNOT = 2


def of_document(document: Mapping[str, Any]) -> int:
    """The exit code that a report stands for."""
    if any(image["flagged"] for image in document["images"]):
        return FLAGGED
    if any(image["status"] == "unknown" for image in document["images"]):
        return CANNOT
    return OK


@contextmanager
def mapped() -> Iterator[None]:
    """Turn what escapes a command into a message on stderr and an exit code.

    typer's own exceptions (exits and usage errors) pass.
    """
    try:
        yield
    except Error as error:
        _debug()
        output.complain(error.message, error.hint)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        _debug()
        output.complain("interrupted: what was under way has been stopped")
        raise typer.Exit(CANNOT) from None
    except BrokenPipeError:
        _debug()
        output.quiet_stdout()
        raise typer.Exit(CANNOT) from None
    except (typer.Exit, typer.Abort, UsageProblem):
        raise
    except Exception as error:
        _debug()
        output.complain(
            f"this is a bug in drift: {type(error).__name__}: {error}",
            "report it with what DRIFT_DEBUG=1 prints in addition, and with `drift --version`",
        )
        raise typer.Exit(CANNOT) from None


def _debug() -> None:
    if os.environ.get("DRIFT_DEBUG") == "1":
        kind, error, trace = sys.exc_info()
        told = "".join(traceback.format_exception(kind, error, trace))
        for line in output.concealed(told).splitlines():
            output.say(line)
