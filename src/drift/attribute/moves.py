"""Who moved a package: the experiment, asked of the builds' package databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from drift.attribute.model import Origin
from drift.attribute.purls import ecosystem
from drift.attribute.sides import Sides
from drift.builds import Build

State = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moved a package, and how that is known. ``origin`` is None where nobody can be told."""

    origin: Origin | None
    evidence: tuple[str, ...]

    def by_repository(self, why: str) -> Mover:
        """The same, where a rule reads it as the repository's doing."""
        return Mover(Origin.REPO, (*self.evidence, why))


def versions_of(purl: str) -> Callable[[Build], State]:
    """The versions of a package that a build holds, one for each copy."""

    def state(build: Build) -> State:
        packages = build.snapshot.packages if build.snapshot else ()
        return tuple(sorted(package.version for package in packages if package.purl == purl))

    return state


def installs(versions: State) -> str:
    """Versions, as the end of a sentence about a build."""
    return f"installs {', '.join(versions)}" if versions else "does not install it"


def who_moved(
    sides: Sides, purl: str, state: Callable[[Build], State], said: Callable[[State], str]
) -> Mover:
    """Who moved a package's state, of which ``said`` speaks ("installs 1.2").

    Builds whose databases of the ecosystem could not be read say nothing. ``UNEXPLAINED``:
    the repository changed too, and there is no replay to tell the two apart.
    """
    asked = readable(sides, purl)
    origin = asked.who_moved(state)
    if sides.after_inputs is None:
        return Mover(None, ())
    if origin is Origin.EXTERNAL and _took_out(asked, state):
        origin = Origin.REPO  # whatever version the world has by now
    return Mover(origin or _unseen(sides), (*_replay(asked, state, said), *_control(asked, state)))


def _took_out(sides: Sides, state: Callable[[Build], State]) -> bool:
    """Whether the repository took out what its old revision still has tonight."""
    if sides.baseline is None or sides.candidate is None or not sides.replays:
        return False
    gone = not any(state(build) for build in (sides.candidate, *sides.controls))
    return gone and all(state(build) for build in (sides.baseline, sides.replays[0]))


def _unseen(sides: Sides) -> Origin:
    """What moved shows in no state: in a file that no database lists."""
    return Origin.EXTERNAL if sides.same_repo_side else Origin.UNEXPLAINED


def readable(sides: Sides, purl: str) -> Sides:
    """The sides without the replays and controls whose package databases say nothing."""
    kind = ecosystem(purl)
    return replace(
        sides,
        replays=tuple(build for build in sides.replays if _reads(build, kind)),
        controls=tuple(build for build in sides.controls if _reads(build, kind)),
    )


def _reads(build: Build, kind: str) -> bool:
    return build.snapshot is not None and kind not in build.snapshot.packages.unknown


def _replay(
    sides: Sides, state: Callable[[Build], State], said: Callable[[State], str]
) -> tuple[str, ...]:
    """What the baseline's revision gives tonight."""
    if sides.same_repo_side:
        return ("repo fingerprint unchanged",)
    if sides.baseline is None or sides.candidate is None or not sides.replays:
        why = f": {sides.no_replay}" if sides.no_replay else ""
        return (f"the repository changed too, and no replay tells the two apart{why}",)
    then, again, now = map(state, (sides.baseline, sides.replays[0], sides.candidate))
    if then == now:
        return ("no package database says what the baseline's revision gets tonight",)
    built = "the baseline's revision, built tonight,"
    if again == now:
        return (f"{built} {said(again)} too",)
    if again == then:
        return (f"{built} still {said(again)}",)
    return (f"{built} {said(again)}", "the repository changed it as well")


def _control(sides: Sides, state: Callable[[Build], State]) -> tuple[str, ...]:
    """Whether tonight's other builds got the same."""
    if sides.candidate is None or not sides.controls:
        return ()
    now = state(sides.candidate)
    if all(state(control) == now for control in sides.controls):
        return ("control build agrees",)
    return ("moved during the run: the control build has another",)
