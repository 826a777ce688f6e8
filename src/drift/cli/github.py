"""``drift github``: what the action in .github/actions/drift asks for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.cli.opening import configuration, filled_store
from drift.cli.options import DEFAULT_CONFIG, ConfigOption, Format
from drift.cli.output import deliver, say
from drift.cli.rendering import Wanted, dockerfiles, emit
from drift.errors import PublishError

if TYPE_CHECKING:
    from drift.publish.github.issues import Done

NAME = "github"
_LABEL = 50  # characters, as GitHub has it

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
        typer.Option(
            "--report-url",
            metavar="URL",
            help="Where the report can be read, unless [report] url says it.",
        ),
    ] = None,
) -> None:
    """Keep one issue for each standing event that flags an image.

    At most 10 are opened a night, and one that holds the rest; each is updated, and closed when
    its event stands no more.
    """
    from drift.publish.github.author import login
    from drift.publish.github.environment import from_environment
    from drift.publish.github.issues import keep
    from drift.publish.github.tonight import workspace, world_of

    if not label.strip() or "," in label or len(label) > _LABEL:
        raise typer.BadParameter(f"--label is a name of up to {_LABEL} characters, without comma")
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
    """Keep one comment on a pull request: the reports that its check left as artifacts.

    Which pull request it is, GitHub's event says; the artifacts are read as a stranger's.
    """
    from drift.publish.github import artifact, comment
    from drift.publish.github.author import login
    from drift.publish.github.environment import from_environment

    run = comment.finished(Path(os.environ.get("GITHUB_EVENT_PATH", "")))
    client = from_environment(repository=repository)
    number = comment.pull_request(client, run)
    if number is None:
        say("drift: the pull request has moved on, or is closed: no comment")
        return
    reports = artifact.reports_of(client, run.run)
    body = comment.text(reports, run) if reports else comment.without_report(run)
    did = comment.keep(client, number, body, login(client, author), new=bool(reports))
    say(f"drift: the comment on pull request #{number} is {did}")


@app.command(
    "step",
    epilog="\b\nExamples:\n"
    "  drift github step drift.json    after `drift check --format json --output drift.json`",
)
def step(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="A drift.json.")],
    config: ConfigOption = DEFAULT_CONFIG,
    more: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One more output."),
    ] = None,
) -> None:
    """Say in a workflow what a report says: annotations, step summary, outputs.

    The outputs are status, flagged, publish and report-url. A report that is not there is a
    check that could not be done: its status is "error".
    """
    from drift.publish.github.outputs import outputs

    document = _document(report)
    address = ""
    if document is not None:
        settings = configuration(config)
        address = settings.report.url or ""
        emit(document, Wanted(Format.GITHUB, None, False), dockerfiles(settings))
    pairs = (pair.partition("=") for pair in more or [])
    given = {name: value for name, _, value in pairs}
    _give({**outputs(document), "report-url": address, **given})


def _document(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PublishError(f"cannot read the report {path}: {error}") from error
    return document if isinstance(document, dict) and "images" in document else None


def _give(values: Mapping[str, str]) -> None:
    from drift.publish.github.outputs import as_file

    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        for name, value in values.items():
            say(f"drift: output {name}={value}")
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(as_file(values))
    except OSError as error:
        raise PublishError(f"cannot write GITHUB_OUTPUT: {error.strerror}") from error


@app.command(
    "touched",
    epilog="\b\nExamples:\n  drift github touched --against origin/main",
)
def touched(
    against: Annotated[
        str, typer.Option("--against", metavar="REVISION", help="What the tree is compared with.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Print the images whose Dockerfile or context differs from a revision, one a line.

    All of them where drift.toml itself does; those of another repository never.
    """
    from drift.source.touched import changed_paths, touches

    settings = configuration(config)
    changed = changed_paths(settings.root, against)
    everything = settings.path.resolve() in changed
    for image in settings.images:
        place = image.context_path
        if place is not None and (everything or touches(changed, place, image.dockerfile)):
            deliver(f"{image.name}\n", None)
