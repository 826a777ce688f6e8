"""Files that were generated from what moved: caches, bytecode, links, databases, logs."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from drift.attribute.claims import Claim
from drift.attribute.generators import GENERATORS, Generator
from drift.attribute.installs import installs_only
from drift.attribute.model import Grade, Origin
from drift.attribute.sources import Source
from drift.compare.model import Comparison, FileChange
from drift.snapshot.model import EntryType, Instruction, printable_path

Explained = Callable[[FileChange], Claim | None]

# PEP 3147: ``__pycache__/NAME.TAG[.opt-LEVEL].pyc`` beside the source; before it, ``NAME.pyc``.
_BYTECODE = re.compile(
    r"(?P<folder>.*/)__pycache__/(?P<name>[^/]+?)\.[^/.]+(?:\.opt-[^/.]+)?\.pyc"
    r"|(?P<source>.*/(?<!/__pycache__/)[^/]+\.py)[co]",
    re.DOTALL,
)
_ALTERNATIVES = "/etc/alternatives/"
_LINKS = re.compile(
    r"/etc/alternatives/.*|/etc/rc[0-6S]\.d/.*|/etc/systemd/(system|user)/.*|.*/node_modules/\.bin/.*",
    re.DOTALL,
)
_NOTES = re.compile(r"(?P<folder>.*/[^/]+\.(?:dist|egg)-info)/.*", re.DOTALL)
_MODULES = re.compile(
    r"(?P<root>(?:.*/)?)(?:node_modules/"
    r"(?:\.package-lock\.json|\.yarn-integrity|\.yarn-state\.yml|\.modules\.yaml|\.bin/.*)"
    r"|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml)",
    re.DOTALL,
)


class DerivedFiles:
    """Claims for files that a tool generates from a source that moved.

    A claim is its source's, graded ``derived``; its evidence names the rule. There is none
    without a change that can explain it: in the same layer or below, of the ecosystem that
    the rule is about. ``explained`` gives the named source of any other changed path.
    """

    def __init__(
        self,
        comparison: Comparison,
        sources: Sequence[Source],
        explained: Explained,
        layer_of: Callable[[FileChange], int],
    ) -> None:
        self._changes = {change.path: change for change in comparison.files}
        self._sources = sources
        self._explained = explained
        self._layer_of = layer_of
        self._holders: dict[str, list[Source]] = defaultdict(list)
        self._names: dict[str, list[Source]] = defaultdict(list)
        self._folders: dict[str, list[Source]] = defaultdict(list)
        self._called: dict[str, list[Source]] = defaultdict(list)
        for source in sources:
            self._called[source.name].append(source)
            for path in source.files:
                self._holders[path].append(source)
                folder, _, name = path.rpartition("/")
                self._names[name].append(source)
                self._folders[folder].append(source)
        self._inputs: dict[str, list[tuple[FileChange, Claim]]] = {}

    def of_path(self, change: FileChange) -> Claim | None:
        """What a path was generated from, by the first rule that has a source for it."""
        rules = (self._bytecode, self._link, self._notes, self._modules, self._generated)
        return next((claim for rule in rules if (claim := rule(change))), None)

    def of_run(self, layer: int, made_by: Instruction) -> Claim | None:
        """The moved package that an instruction installs, which fetches from nowhere else."""
        found = [
            source
            for source in self._sources
            if layer in {*source.layers, source.claim.layer}
            and source.claim.origin is Origin.EXTERNAL
            and installs_only(made_by, source.ecosystem)
        ]
        return self._first(layer, found, f"line {made_by.line} fetches from nowhere else")

    def _bytecode(self, change: FileChange) -> Claim | None:
        match = _BYTECODE.fullmatch(change.path)
        if match is None:
            return None
        source = match["source"] or f"{match['folder']}{match['name']}.py"
        what = "bytecode of its modules"
        changed = self._changes.get(source)
        claim = self._explained(changed) if changed else None
        if claim is not None:
            return _derived(claim, what)
        return self._first(self._layer_of(change), self._holders.get(source, ()), what)

    def _link(self, change: FileChange) -> Claim | None:
        """A link that an install makes to a package's file: alternatives, units, commands."""
        if _LINKS.fullmatch(change.path) is None and not any(
            target.startswith(_ALTERNATIVES) for target in _targets(change)
        ):
            return None
        for target in self._followed(change):
            claim = self._first(
                self._layer_of(change), self._holders.get(target, ()), "links to its files"
            )
            if claim is not None:
                return claim
        return None

    def _followed(self, change: FileChange) -> Iterator[str]:
        """Where a link leads, on either side; through a changed alternative to its target."""
        for target in _targets(change):
            there = self._changes.get(target) if target.startswith(_ALTERNATIVES) else None
            for place in _targets(there) if there else (target,):
                yield place
                yield f"/usr{place}"  # merged-/usr: packages hold the place that is linked to

    def _notes(self, change: FileChange) -> Claim | None:
        """What an installer writes beside a Python distribution's own files."""
        match = _NOTES.fullmatch(change.path)
        sources = self._folders.get(match["folder"], ()) if match else ()
        return self._first(self._layer_of(change), sources, "the installer's notes on the package")

    def _modules(self, change: FileChange) -> Claim | None:
        """What npm and its like write for a whole tree of packages."""
        match = _MODULES.fullmatch(change.path)
        if match is None:
            return None
        below = f"{match['root']}node_modules/"
        found = [
            source
            for source in self._sources
            if source.ecosystem == "npm" and any(p.startswith(below) for p in source.files)
        ]
        return self._first(self._layer_of(change), found, "npm's notes on what it installed")

    def _generated(self, change: FileChange) -> Claim | None:
        for rule in GENERATORS:
            match = rule.outputs.fullmatch(change.path)
            if match is not None:
                return self._by(rule, match, change)
        return None

    def _by(self, rule: Generator, match: re.Match[str], change: FileChange) -> Claim | None:
        named = match.groupdict()
        if "package" in named:
            name = named["package"].partition(":")[0]
            sources = [s for s in self._called.get(name, ()) if s.ecosystem in rule.ecosystems]
        elif "holds" in named:
            holding = self._names.get(named["holds"], ())
            sources = [s for s in holding if s.ecosystem in rule.ecosystems]
        elif rule.inputs is None:
            sources = self._of(rule)
        else:
            return self._from_inputs(rule, rule.inputs, change)
        return self._first(self._layer_of(change), sources, rule.what, own_layer=rule.own_layer)

    def _of(self, rule: Generator) -> list[Source]:
        """The sources that a rule is about: packages of its ecosystems, and a moved base."""
        kinds = {*rule.ecosystems, None}
        return [source for source in self._sources if source.ecosystem in kinds]

    def _from_inputs(
        self, rule: Generator, inputs: re.Pattern[str], change: FileChange
    ) -> Claim | None:
        """By a changed file that the tool reads, else by the tool's own package."""
        if rule.what not in self._inputs:
            read = (other for path, other in self._changes.items() if inputs.fullmatch(path))
            claimed = ((other, self._explained(other)) for other in read)
            self._inputs[rule.what] = [(other, claim) for other, claim in claimed if claim]
        read_by = [
            (other, claim)
            for other, claim in self._inputs[rule.what]
            if other.layer <= change.layer and other is not change
        ]
        if read_by:
            first, claim = min(read_by, key=lambda pair: _order(change, *pair))
            more = f" and {len(read_by) - 1} more" if len(read_by) > 1 else ""
            return _derived(claim, f"{rule.what}, made from {printable_path(first.path)}{more}")
        called = (s for name in sorted(rule.writers) for s in self._called.get(name, ()))
        writers = [s for s in called if s.ecosystem in rule.ecosystems]
        return self._first(self._layer_of(change), writers, rule.what)

    def _first(
        self, layer: int, sources: Iterable[Source], what: str, *, own_layer: bool = False
    ) -> Claim | None:
        """The best of the sources that reach a path's layer."""
        reaching = [s for s in sources if s.reaches(layer, same=own_layer)]
        if not reaching:
            return None
        first = min(reaching, key=lambda source: source.order(layer))
        others = len({source.claim.key for source in reaching}) - 1
        noun = "source" if others == 1 else "sources"
        more = f"; it follows from {others} other {noun} as well" if others else ""
        return _derived(first.claim, f"{what}{more}")


def _derived(claim: Claim, what: str) -> Claim:
    return replace(claim, grade=Grade.DERIVED, evidence=(*claim.evidence, f"derived: {what}"))


def _order(change: FileChange, other: FileChange, claim: Claim) -> tuple[bool, bool, str]:
    return claim.origin is Origin.REPO, other.layer != change.layer, other.path


def _targets(change: FileChange) -> list[str]:
    """Where a symbolic link leads, on the sides that have it."""
    folder = posixpath.dirname(change.path)
    return [
        posixpath.normpath(posixpath.join(folder, entry.link))
        for entry in (change.after, change.before)
        if entry is not None and entry.type is EntryType.SYMLINK and entry.link
    ]
