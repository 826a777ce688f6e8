"""Imports run one way through the house, and each library has one owner.

Both are said once, in ARCHITECTURE.md, where people read them; this reads them there.
Imports inside functions count; those for type checkers alone do not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "drift"
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()

# Plain values: no stage's doing, only its words. Any room may use them.
VALUES = {"drift.builds", "drift.snapshot.model", "drift.source.model"}


def table(title: str) -> list[list[str]]:
    """The rows of the table under a heading of ARCHITECTURE.md, without backquotes."""
    section = ARCHITECTURE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in row] for row in rows[2:]]


ORDER = {
    room.strip(): step
    for step, row in enumerate(table("Rooms, in the order of imports"))
    for room in row[0].split(",")
}
OWNERS = {
    library.strip(): {owner.strip() for owner in row[1].split(",")}
    for row in table("One owner for each library")
    for library in row[0].split(",")
}


@dataclass(frozen=True)
class Import:
    """One import: where it stands, and the dotted name that it brings."""

    path: Path
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.name}"

    @property
    def room(self) -> str:
        """The room of the importing module: ``engine``, ``errors``, or the root itself."""
        return room_of(".".join(("drift", *self.path.relative_to(SOURCE).with_suffix("").parts)))


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__init__" else "drift"


def imports_of(path: Path) -> Iterator[Import]:
    """What a module imports when it runs, inside functions too."""
    pending: list[ast.AST] = [ast.parse(path.read_text(), str(path))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            for alias in node.names:
                yield Import(path, node.lineno, f"{node.module}.{alias.name}")
        pending.extend(ast.iter_child_nodes(node))


IMPORTS = [found for path in sorted(SOURCE.rglob("*.py")) for found in imports_of(path)]


def test_every_room_has_its_place_in_the_order() -> None:
    rooms = {
        path.stem if path.is_file() else path.name
        for path in SOURCE.iterdir()
        if path.suffix == ".py" or any(path.glob("*.py"))
    }
    assert rooms - {"__init__", "__main__"} == set(ORDER)


def test_imports_run_one_way() -> None:
    wrong = []
    for found in IMPORTS:
        if not found.name.startswith("drift.") or found.room in ("drift", "__main__"):
            continue
        target = room_of(found.name)
        if found.name.startswith(tuple(f"{value}." for value in VALUES)) or target not in ORDER:
            continue  # plain values; or a name of drift itself, such as its version
        same = target == found.room
        if not same and ORDER[target] >= ORDER[found.room]:
            wrong.append(str(found))
    assert wrong == []


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_library_is_imported_by_its_owner_alone(library: str) -> None:
    users = {found.room for found in IMPORTS if found.name.partition(".")[0] == library}
    assert users, f"nobody imports {library}: take it out of the table and of pyproject.toml"
    assert users <= OWNERS[library]


def test_the_values_that_anyone_may_use_use_nothing_above_them() -> None:
    for found in IMPORTS:
        module = ".".join(("drift", *found.path.relative_to(SOURCE).with_suffix("").parts))
        if module in VALUES and found.name.startswith("drift."):
            assert room_of(found.name) == "oci" or any(
                found.name.startswith(f"{value}.") for value in VALUES
            ), str(found)


def test_the_root_package_is_light() -> None:
    assert [str(found) for found in imports_of(SOURCE / "__init__.py")] == [
        f"src/drift/__init__.py:{found.line}: __future__.annotations"
        for found in imports_of(SOURCE / "__init__.py")
    ]
