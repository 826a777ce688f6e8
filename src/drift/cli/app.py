"""The ``drift`` command: its commands, and how a run of it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from drift import __version__
from drift.cli import (
    accept,
    check,
    demo,
    diff,
    doctor,
    explain,
    gc,
    github,
    history,
    init,
    notify,
    ps,
    report,
    schema,
    upgrade,
)
from drift.cli.exits import CANNOT, OK, UsageProblem, mapped
from drift.cli.output import complain, prepare_streams, quiet_stdout
from drift.cli.signals import stoppable


class _Mapped(TyperGroup):
    """The group of commands; whatever a command raises becomes an exit code."""

    def invoke(self, ctx: Any) -> Any:
        with mapped():
            return super().invoke(ctx)


app = typer.Typer(
    name="drift",
    cls=_Mapped,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # importing rich would take longer than all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\n"
    "Examples:\n"
    "  drift init                 write a drift.toml for this repository\n"
    "  drift check                build the fleet and compare it with last night\n"
    "  drift diff app:1 app:2     compare two images\n"
    "\n\b\n"
    "Exit codes: 0 nothing flagged, 1 something flagged or different, 2 could not be done.",
)

_COMMANDS = (
    init,
    check,
    diff,
    report,
    history,
    explain,
    accept,
    notify,
    gc,
    ps,
    upgrade,
    doctor,
    schema,
    demo,
)
for _command in _COMMANDS:
    app.command(_command.NAME, epilog=_command.EXAMPLES)(_command.command)
app.add_typer(github.app, name=github.NAME, hidden=True)  # for workflows, not for people


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"drift {__version__}")
        raise typer.Exit


@app.callback()
def drift(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Tells why a container image changed overnight, and what came from outside."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on some arguments, the process's own by default; its exit code."""
    prepare_streams()
    try:
        with stoppable(), mapped():
            code = app(arguments, prog_name="drift", standalone_mode=False) or OK
    except typer.Exit as stop:
        code = stop.exit_code
    except UsageProblem as error:
        # The parser that some typers bring names its own exception in what it says.
        error.message = error.message.replace("Value error, ", "")
        error.show()
        return CANNOT
    except SystemExit as stop:
        if not isinstance(stop.__context__, BrokenPipeError):
            complain(f"this is a bug in drift: something ended it with {stop.code!r}")
            return CANNOT
        quiet_stdout()  # click's answer to a reader that has left in the middle of a help text
        return OK
    except (KeyboardInterrupt, typer.Abort):
        return CANNOT
    return code if code in (0, 1, 2) else CANNOT
