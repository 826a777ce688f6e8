"""What drift prints and where: reports on stdout, everything else on stderr.

Text on stderr may come from strangers (paths, log lines, an engine's answers) or hold a
secret from the environment: it is masked, and made inert, in this one place.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from drift.errors import ReportError
from drift.masking import Mask
from drift.report.escape import inert_line, visible

_masks: list[Mask] = []


def conceal(values: Iterable[str]) -> None:
    """From now on these values are masked in all that is said on stderr."""
    _masks.append(Mask(values))


def inert(text: str) -> str:
    """One line without secrets and without anything that acts on a terminal or CI runner."""
    return inert_line(visible(concealed(text)))


def concealed(text: str) -> str:
    """A text without secrets; to be asked for before it is cut into lines."""
    for mask in _masks:
        text = mask.text(text)
    return text


def prepare_streams() -> None:
    """A terminal that cannot show a character gets its escape, never a crash.

    A stream that the caller has closed (``>&-``) leads nowhere.
    """
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """A line on stderr. Where nobody listens any more, that is no reason to stop."""
    try:
        print(inert(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


def complain(message: str, hint: str | None = None) -> None:
    """An error on stderr: each of its lines, and what to do."""
    first, *rest = concealed(message).splitlines() or [""]
    say(f"drift: error: {first}")
    for line in rest:
        say(f"  {line.expandtabs(2)}")
    if hint:
        say(f"  hint: {hint}")


def is_coloured(stream: IO[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: NO_COLOR forbids, FORCE_COLOR demands, else a terminal decides."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0", "false"):
        return True
    return is_terminal(stream, environ)


def is_terminal(stream: IO[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a person sees the stream on a terminal that can do more than print."""
    return stream.isatty() and environ.get("TERM") != "dumb"


def write(text: str, *, exact: bool = False) -> None:
    """Print a finished text on stdout; a reader that has left ends it quietly.

    ``exact`` is for programs: UTF-8, whatever the locale says. Escapes made for a terminal
    that lacks a character would make JSON of it that no program reads.

    Raises:
        ReportError: it cannot be written, a full disk behind a redirection for one.
    """
    try:
        if exact and isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.flush()
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        quiet_stdout()
    except OSError as error:
        quiet_stdout()
        raise ReportError(f"cannot write to standard output: {error.strerror}") from error


def quiet_stdout() -> None:
    """Let stdout lead nowhere, so that what its buffer still holds is not tried again."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return


def check_output(path: Path | None) -> None:
    """Fail before an hour of builds rather than after it.

    Raises:
        ReportError: the file cannot be written there.
    """
    if path is None or _is_stdout(path):
        return
    if path.is_dir() or not path.absolute().parent.is_dir():
        inside = path.is_dir()
        what = "is a directory" if inside else "its directory does not exist"
        hint = "name a file in it" if inside else "make the directory, or name another file"
        raise ReportError(f"cannot write {path}: {what}", hint=hint)


def deliver(text: str, path: Path | None, *, exact: bool = False) -> None:
    """Write a finished text to a file as UTF-8, or to stdout without one (see :func:`write`).

    Raises:
        ReportError: it cannot be written.
    """
    if path is None or _is_stdout(path):
        write(text, exact=exact)
        return
    try:
        path.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ReportError(
            f"cannot write {path}: {error.strerror}", hint="name another file with --output FILE"
        ) from error


@contextmanager
def unheeded(stream: IO[str], environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Nothing that is printed inside is taken for a command by a GitHub workflow.

    Names of steps, logs and paths are a stranger's. They are made inert one by one; this holds
    should one slip through. A file gets no such lines: no runner reads it.
    """
    if environ.get("GITHUB_ACTIONS") != "true" or _is_file(stream):
        yield
        return
    token = os.urandom(16).hex()  # as secrets does, whose import is felt at each start
    _command(stream, f"::stop-commands::{token}")
    try:
        yield
    finally:
        _command(stream, f"::{token}::")


def _command(stream: IO[str], command: str) -> None:
    with suppress(OSError, ValueError):
        print(command, file=stream, flush=True)


def _is_file(stream: IO[str]) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def table(rows: Iterable[Iterable[Any]]) -> str:
    """Rows of plain text in columns; what is in them is made inert."""
    shown = [[visible(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )
    return "".join(f"{inert_line(line)}\n" for line in lines)


def _is_stdout(path: Path) -> bool:
    return str(path) == "-"
