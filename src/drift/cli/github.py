"""``drift github``: what the action in .github/actions/drift asks for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.cli.opening import configuration, filled_store
from drift.cli.options import DEFAULT_CONFIG, ConfigOption
from drift.cli.output import deliver, say
from drift.errors import PublishError

if TYPE_CHECKING:
    from drift.publish.github.issues import Done

NAME = "github"

app = typer.Typer(
    name=NAME,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keep issues and comments on GitHub; for workflows, with GITHUB_TOKEN.",
)

RepositoryOption = Annotated[
    str | None,
    typer.Option("--repository", metavar="OWNER/NAME", help="GITHUB_REPOSITORY without it."),
]
AuthorOption = Annotated[
    str | None,
    typer.Option("--author", metavar="LOGIN", help="The token's login, where GitHub won't say."),
]


@app.command(
    "issues",
    epilog="\b\nExamples:\n"
    "  drift github issues                    after a `drift check`, in a workflow\n"
    "  drift github issues --label images --report-url https://example.org/drift/",
)
def issues(
    config: ConfigOption = DEFAULT_CONFIG,
    repository: RepositoryOption = None,
    author: AuthorOption = None,
    label: Annotated[str, typer.Option("--label", help="How drift finds its issues.")] = "drift",
    report_url: Annotated[
        str | None,
        typer.Option("--report-url", metavar="URL", help="Where the report can be read."),
    ] = None,
) -> None:
    """Keep one issue for each standing event that flags an image.

    At most 10 are opened a night, and one that holds the rest; each is updated, and closed when
    its event stands no more.
    """
    from drift.publish.github.author import login
    from drift.publish.github.client import from_environment
    from drift.publish.github.issues import keep
    from drift.publish.github.tonight import workspace, world_of

    settings = configuration(config)
    client = from_environment(repository=repository)
    with filled_store(settings) as store:
        world = world_of(settings, store, report=report_url, workspace=workspace(settings))
        done = keep(client, world, login=login(client, author), label=label)
    _told(done)


def _told(done: Done) -> None:
    for what, numbers in (
        ("opened", done.opened),
        ("changed", done.changed),
        ("closed", done.closed),
    ):
        if numbers:
            say(f"drift: issues {what}: {', '.join(f'#{number}' for number in sorted(numbers))}")
    if done.failed:
        rest = "\n".join(done.failed)
        raise PublishError(f"not every issue could be written\n{rest}")


@app.command(
    "comment",
    epilog="\b\nExamples:\n"
    "  drift github comment        in a workflow_run job, after a pull request's check",
)
def comment(repository: RepositoryOption = None, author: AuthorOption = None) -> None:
    """Keep one comment on a pull request: the report that its check left as an artifact.

    Which pull request it is, GitHub's event says; the artifact is read as a stranger's.
    """
    from drift.publish.github import artifact, comment
    from drift.publish.github.author import login
    from drift.publish.github.client import from_environment

    run = comment.finished(Path(os.environ.get("GITHUB_EVENT_PATH", "")))
    client = from_environment(repository=repository)
    number = comment.pull_request(client, run)
    if number is None:
        say("drift: the pull request has moved on, or is closed: no comment")
        return
    body = comment.text(artifact.report_of(client, run.run), run)
    did = comment.keep(client, number, body, login(client, author))
    say(f"drift: the comment on pull request #{number} is {did}")


@app.command(
    "outputs",
    epilog="\b\nExamples:\n"
    "  drift github outputs drift.json    after `drift check --format json --output drift.json`",
)
def outputs(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="A drift.json.")],
    more: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One more output."),
    ] = None,
) -> None:
    """Write a step's outputs: status, flagged, publish.

    A report that is not there is a check that could not be done: status "error".
    """
    from drift.publish.github.outputs import as_file
    from drift.publish.github.outputs import outputs as outputs_of

    values = outputs_of(_document(report))
    for pair in more or []:
        name, _, value = pair.partition("=")
        values[name] = value
    text = as_file(values)
    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        deliver("".join(f"{name}={value}\n" for name, value in values.items()), None)
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise PublishError(f"cannot write GITHUB_OUTPUT: {error.strerror}") from error


def _document(path: Path) -> Mapping[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PublishError(f"cannot read the report {path}: {error}") from error
    return document if isinstance(document, dict) and "images" in document else None
