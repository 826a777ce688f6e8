"""Base images that moved, and the paths that they brought."""

from __future__ import annotations

from dataclasses import replace

from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.sides import Sides
from drift.compare.model import FileChange
from drift.source.model import Base


class MovedBases:
    """Claims for bases whose digest is another than in the baseline.

    Pulling is drift's own, so that a base moved is a fact (``proven``), whoever moved it:
    the world where the Dockerfile names the same reference, the repository where it names
    another. What the final stage's base brought is its own, packages too.
    """

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._by_role: dict[str, Claim] = {}
        self._by_reference: dict[str, Claim] = {}
        self.claims: list[Claim] = []
        for before, after in sides.moved_bases:
            claim = self._claim(before, after)
            self.claims.append(claim)
            if after is not None:
                self._by_reference[after.reference] = claim
            for role in {*(before.roles if before else ()), *(after.roles if after else ())}:
                self._by_role.setdefault(role, claim)

    def _claim(self, before: Base | None, after: Base | None) -> Claim:
        unchanged = "repo fingerprint unchanged" if self._sides.same_repo_side else None
        left = before if before and after and before.reference != after.reference else None
        return claim_of_move(before, after, unchanged, self._old_base_moved(left))

    def _old_base_moved(self, before: Base | None) -> str | None:
        """As evidence: the base that the repository left has moved as well."""
        now = before and self._sides.left_bases.get(before.reference)
        if before is None or now is None or now == before.identity:
            return None
        return f"{before.reference} moved too, to {now}"

    @property
    def of_image(self) -> Claim | None:
        """The claim for the base that the built image stands on, if it moved."""
        return self._by_role.get("final")

    def of_path(self, change: FileChange) -> Claim | None:
        """The base that brought a path on every side that has it."""
        claim = self.of_image
        if claim is None:
            return None
        deciders = self._sides.deciders(change)
        return claim if deciders and all(decider.base for decider in deciders) else None

    def of_mount(self, source: str) -> Claim | None:
        """The claim for an image that a RUN mounts."""
        return self._by_reference.get(source)

    def of_trigger(self, change: FileChange) -> Claim | None:
        """The claim for what an ONBUILD trigger made that the base has on one side alone.

        To be asked where the experiment says that the outside did it.
        """
        claim = self.of_image
        if claim is None or claim.origin is not Origin.EXTERNAL:
            return None
        for decider in self._sides.deciders(change):
            others = self._sides.instructions(before=not decider.before)
            run = None if decider.base else decider.instruction
            if run is None or not run.is_trigger or others is None or run.text in others:
                continue
            said = (
                "brought it, and does no more"
                if decider.before
                else "brings it, and did not before"
            )
            evidence = f"an ONBUILD trigger made it: the moved base {said}"
            return replace(claim, grade=Grade.DERIVED, evidence=(*claim.evidence, evidence))
        return None

    def of_copy(self, source: str) -> Claim | None:
        """The claim for what ``COPY --from`` takes: an image, or a stage that stands on one.

        An image that moved is the copy's only source. A stage may have made its files from
        anything else as well: it is not looked into, and the claim is ``inferred``; where
        the repository changed too, there is none.
        """
        image = self._by_reference.get(source)
        stage = self._by_role.get(f"stage:{source.lower()}")
        if stage is None:
            return image
        if not self._sides.same_repo_side:
            return None
        evidence = f"the base of stage {source} moved; what the stage itself did was not examined"
        return replace(stage, grade=Grade.INFERRED, evidence=(*stage.evidence, evidence))


def claim_of_move(before: Base | None, after: Base | None, *more: str | None) -> Claim:
    """The claim that a base moved, of what it was and is; ``more`` is told after that."""
    shown = after or before
    if shown is None:
        raise ValueError("a base that is on neither side")
    same_reference = bool(before and after and before.reference == after.reference)
    facts: list[str | None] = []
    if same_reference:
        facts.append(f"{shown.reference} has another digest than in the baseline")
    elif before and after:
        facts.append(f"the Dockerfile names {after.reference}, before {before.reference}")
    facts += more
    if shown.local:
        facts.append("no registry gave it: the engine's own image was used")
    return Claim(
        origin=Origin.EXTERNAL if same_reference else Origin.REPO,
        kind=Kind.BASE_IMAGE,
        subject=shown.reference,
        grade=Grade.PROVEN,
        before=_identity(before, same_reference),
        after=_identity(after, same_reference),
        evidence=tuple(filter(None, facts)),
    )


def _identity(base: Base | None, same_reference: bool) -> str | None:
    if base is None:
        return None
    if same_reference:
        return base.identity
    return base.reference if "@" in base.reference else f"{base.reference}@{base.identity}"
