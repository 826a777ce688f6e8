"""What the experiment says of one difference, as a claim: the table's answer in words.

A claim without a subject is named after the paths that share it; see
:mod:`drift.attribute.attribute`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Need, Origin
from drift.attribute.mounts import may_fetch, secrets_of
from drift.attribute.names import NameSet, RandomNames
from drift.attribute.noise import grade_of_form, kind_of_noise
from drift.attribute.origin import Answer, Case, Value, origin_of
from drift.attribute.repository import RepositoryChanges
from drift.attribute.sides import Sides
from drift.attribute.toolchain import moved_tools
from drift.attribute.values import PathValues, Values, fingerprint_of
from drift.builds import Build
from drift.compare.model import Comparison, ConfigChange, FileChange
from drift.compare.settings import compare_settings
from drift.oci import Digest
from drift.snapshot import forms
from drift.snapshot.model import printable_path

Told = tuple[Claim, Need | None]


class Trial:
    """Turns the table's answers into claims."""

    def __init__(self, sides: Sides, repository: RepositoryChanges) -> None:
        self.sides, self.repository = sides, repository
        self.tools = moved_tools(sides)

    def _placed(self, case: Case) -> Case:
        """A case with what is so of the two nights' builds, whatever it is about."""
        lasting = [
            tool for tool in self.tools if tool.subject != "builder" or not self.sides.old_builder
        ]
        return replace(
            case,
            same_side=self.sides.same_side,
            edited=not self.sides.same_repo_side,
            toolchain=bool(lasting),
        )

    def told(self, answer: Answer, unnamed: Claim, repo: Claim, fallback: Claim | None) -> Told:
        """The claim for an answer.

        ``unnamed`` is the claim that names no source, ``repo`` the one of the repository,
        ``fallback`` what can be read from its edits where no replay can be had.
        """
        need = answer.needs
        if need is Need.REPLAY:
            why = () if self.sides.no_replay is None else (f"no replay: {self.sides.no_replay}",)
            known = fallback or replace(unnamed, evidence=(*unnamed.evidence, *self._toolchain()))
            need = None if why else need
            return _with(known, answer, Grade.INFERRED, why), need
        if answer.origin is Origin.REPO:
            return _with(repo, answer, answer.grade), need
        if answer.origin is Origin.TOOLCHAIN:
            return self._tool(answer), need
        evidence = (*self._arguments(), *self._toolchain())
        if answer.origin is Origin.EXTERNAL and self.sides.moved_arguments:
            # No control helps: it has tonight's values of them, as the candidate has.
            answer, need = replace(answer, grade=Grade.INFERRED), None
        return replace(_with(unnamed, answer, answer.grade, evidence), origin=answer.origin), need

    def _tool(self, answer: Answer) -> Claim:
        first = self.tools[0]
        return Claim(
            origin=Origin.TOOLCHAIN,
            kind=first.kind,
            subject=first.subject,
            grade=answer.grade,
            before=first.before,
            after=first.after,
            evidence=(*answer.evidence, *self._toolchain()),
        )

    def _arguments(self) -> tuple[str, ...]:
        moved = self.sides.moved_arguments
        return tuple(f"the volatile argument {name} has another value" for name in moved)

    def _toolchain(self) -> tuple[str, ...]:
        return tuple(map(str, self.tools))


class PathTrial(Trial):
    """The experiment's claims for paths that no named source holds."""

    def __init__(
        self,
        sides: Sides,
        comparison: Comparison,
        values: Values,
        repository: RepositoryChanges,
        outside: Callable[[FileChange], Claim | None],
        edited: Callable[[FileChange], Claim | None] = lambda _change: None,
        owned: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        """``outside`` reads a source for what the experiment says came from outside, ``edited``
        one for what it says that the repository did. A package's own file (``owned``) is
        compared whole: what its install compiled is not looked into."""
        super().__init__(sides, repository)
        self._values, self._outside, self._edited = values, outside, edited
        self._owned = owned
        self._random = RandomNames(sides, comparison, values)

    def of(self, change: FileChange) -> Told:
        """The claim for a path, and the build that would tell more."""
        values = self._values.of(change)
        if values.y.same(values.t):
            return _same_in_form(change, values.form), None
        unnamed = Claim(_unexplained(self.sides), Kind.FILE, "", Grade.INFERRED)
        if self.sides.after_inputs is None:
            return unnamed, None
        if names := self._random.set_of(change.path):
            return self._random_name(names), None
        # Only noise is looked into, on either night; a package's own file is compared whole.
        if (values.noisy or len(values.replays) > 1) and not self._owned(change.path):
            values = self._values.in_parts(change)
        answer = origin_of(self._placed(self._case(change, values)))
        if answer.origin is Origin.NONDETERMINISM:
            kind = _kind_of_flapping(change.path, values.form)
            return _noise(unnamed, kind, answer.grade, answer.evidence), answer.needs
        if answer.origin is Origin.EXTERNAL and (read := self._outside(change)):
            return replace(read, evidence=(*read.evidence, *answer.evidence)), None
        if answer.origin is Origin.EXTERNAL and (said := self._volatile(change)):
            return _noise(unnamed, Kind.BUILD_CONFIG, Grade.INFERRED, said), None
        if answer.origin is Origin.EXTERNAL and (hidden := self._secrets(change)):
            # No control helps: it is given the same.
            evidence = (*answer.evidence, *hidden)
            answer = replace(answer, grade=Grade.INFERRED, needs=None, evidence=evidence)
        repo = self._edited(change) or self.repository.by_experiment(change)
        return self.told(answer, unnamed, repo, self.repository.of_path(change))

    def _secrets(self, change: FileChange) -> tuple[str, ...]:
        """As evidence: the secrets of the RUN that made a file, which may be what changed."""
        made = self.sides.maker(change)
        if made is None:
            return ()
        return tuple(
            f"line {made[1].line} is given the secret {name}: whether it changed is not known"
            for name in secrets_of(made[1].text)
        )

    def _volatile(self, change: FileChange) -> tuple[str, ...]:
        """As evidence: the volatile arguments by which a RUN made a file that fetches nothing."""
        made = self.sides.maker(change)
        if made is None or may_fetch(made[1].text):
            return ()
        made_by = made[1]
        return tuple(
            f"line {made_by.line} names the volatile argument {name}, which has another value"
            for name in self.sides.moved_arguments
            if re.search(rf"\$\{{?{re.escape(name)}\b", made_by.text)
        )

    def _random_name(self, names: NameSet) -> Claim:
        return Claim(
            origin=Origin.NONDETERMINISM,
            kind=Kind.RANDOM,
            subject=printable_path(posixpath.join(names.directory, "**")),
            grade=Grade.PROVEN,
            instruction=self.sides.made_by(names.layer),
            layer=names.layer,
            evidence=("each build calls it something else",),
        )

    def _case(self, change: FileChange, values: PathValues) -> Case:
        seen = self.sides.flapped.get(change.path, ())
        return Case(
            y=values.y,
            t=values.t,
            replays=values.replays,
            controls=values.controls,
            flapped=fingerprint_of(values.t) in seen,
            y_controls=self._values.on_its_own_night(change) if values.noisy else (),
        )


class ConfigTrial(Trial):
    """The experiment's claims for fields of the image configuration."""

    def __init__(self, sides: Sides, repository: RepositoryChanges) -> None:
        super().__init__(sides, repository)
        self._replays = self._against(sides.replays)
        self._controls = self._against(sides.controls)

    def _against(self, builds: Sequence[Build]) -> list[Mapping[str, ConfigChange]]:
        """How builds' configurations differ from tonight's, by field."""
        now = self.sides.after.config
        return [
            {change.field: change for change in compare_settings(now, build.result.config)}
            for build in builds
        ]

    def of(self, change: ConfigChange) -> Told:
        """The claim for a field, and the build that would tell more."""
        unnamed = Claim(
            origin=_unexplained(self.sides),
            kind=Kind.BUILD_CONFIG,
            subject=change.field,
            grade=Grade.INFERRED,
            before=None if change.before is None else str(change.before),
            after=None if change.after is None else str(change.after),
        )
        if self.sides.after_inputs is None:
            return unnamed, None
        case = Case(
            y=_field(change.before),
            t=_field(change.after),
            replays=tuple(_in(differing, change) for differing in self._replays),
            controls=tuple(_in(differing, change) for differing in self._controls),
        )
        edit = self.repository.of_config(change)
        repo = edit or replace(unnamed, origin=Origin.REPO)
        claim, need = self.told(origin_of(self._placed(case)), unnamed, repo, edit)
        known = self._volatile(change, claim, unnamed) or self._of_base(claim)
        return (known, None) if known else (claim, need)

    def _of_base(self, claim: Claim) -> Claim | None:
        """A field that an instruction writes anew of the variables of a base that moved.

        It fetches nothing: where the outside did it, and no argument or tool moved, the base
        did.
        """
        if not self._outside(claim) or self.sides.moved_arguments or self.tools:
            return None
        return self.repository.of_expanded_config()

    def _outside(self, claim: Claim) -> bool:
        """Whether the outside wrote a field, as far as the builds at hand can tell."""
        open_still = claim.origin is Origin.UNEXPLAINED and self.sides.same_repo_side
        return open_still or claim.origin is Origin.EXTERNAL

    def _volatile(self, change: ConfigChange, claim: Claim, unnamed: Claim) -> Claim | None:
        """A field that an argument wrote which no fingerprint tells: noise that is wanted.

        An instruction that writes a setting fetches nothing: beside the repository, only the
        base, the builder and such arguments decide what it writes.
        """
        moved = self.sides.moved_arguments
        if not moved or not self._outside(claim):
            return None
        exact = [name for name in moved if self._is_value_of(name, change)]
        if not exact and (self.tools or self.sides.moved_bases):
            return None
        said = [f"the volatile argument {name} has another value" for name in exact or moved]
        said += ["it is the field's value on both sides"] if exact else []
        grade = Grade.PROVEN if exact else Grade.INFERRED
        return _noise(unnamed, Kind.BUILD_CONFIG, grade, tuple(said))

    def _is_value_of(self, name: str, change: ConfigChange) -> bool:
        """Whether a field is what an argument was on each side's night; values are digests."""
        nights = (
            (self.sides.before_inputs, change.before),
            (self.sides.after_inputs, change.after),
        )
        return all(
            inputs is not None
            and isinstance(value, str)
            and inputs.volatile.get(name) == Digest.of(value.encode("utf-8", "surrogatepass"))
            for inputs, value in nights
        )


def _in(differing: Mapping[str, ConfigChange], change: ConfigChange) -> Value:
    """A field's value in a build that differs so from tonight's."""
    other = differing.get(change.field)
    return _field(other.after if other else change.after)


def _field(value: object) -> Value:
    return Value(None if value is None else (repr(value),), None, frozenset())


def _unexplained(sides: Sides) -> Origin | None:
    return Origin.UNEXPLAINED if sides.after_inputs else None


def _with(claim: Claim, answer: Answer, grade: Grade, more: tuple[str, ...] = ()) -> Claim:
    evidence = (*claim.evidence, *answer.evidence, *more)
    return replace(claim, grade=grade, evidence=tuple(dict.fromkeys(evidence)))


def _same_in_form(change: FileChange, form: str | None) -> Claim:
    """A file that differs in nothing but what its form leaves out."""
    if form is None:
        raise ValueError(f"{change.path!r} does not differ")
    return Claim(
        origin=Origin.NONDETERMINISM,
        kind=kind_of_noise(change.path, form),
        subject="",
        grade=grade_of_form(form),
        evidence=(f"equal in the normal form {form}",),
    )


def _noise(claim: Claim, kind: Kind, grade: Grade, evidence: tuple[str, ...]) -> Claim:
    return replace(claim, origin=Origin.NONDETERMINISM, kind=kind, grade=grade, evidence=evidence)


def _kind_of_flapping(path: str, form: str | None) -> Kind:
    """A file that differs in more than its form leaves out: not its times alone."""
    own = form if form and forms.by_name(form).kind != Kind.TIMESTAMP else None
    return kind_of_noise(path, own)
