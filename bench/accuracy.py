"""Write the tables of docs/accuracy.md from what ``make scenarios`` found.

``python bench/accuracy.py DIRECTORY [WRITTEN]``. WRITTEN is another file for the page than its
own. The directory holds what the scenarios left
(DRIFT_ACCURACY); each table replaces the one between its two marks in the page, and a table for
which nothing was left stays as it is. The simulation of the table needs no engine and is made
here, a minute and more; only for its own page, as it comes out the same each time.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.origin_simulation import Outcome, simulate

PAGE = Path(__file__).parent.parent / "docs" / "accuracy.md"
SIMULATED, SEED = 200_000, 20261101
ORDER = ("external", "repo", "toolchain", "nondeterminism", "unexplained", "nothing")


def replaced(page: str, name: str, table: Sequence[str]) -> str:
    """The page with another table between a name's marks."""
    if not table:
        return page
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        raise SystemExit(f"the page has no place for {name}")
    return "".join((before, begin, "\n\n", "\n".join(table), "\n\n", end, rest.partition(end)[2]))


def row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def head(*titles: str) -> list[str]:
    """The table's head; a title that begins with # is that of numbers."""
    marks = ("--:" if title.startswith("#") else "---" for title in titles)
    return [row(*(title.lstrip("#") for title in titles)), "|" + "|".join(marks) + "|"]


def read(paths: Iterator[Path]) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(paths)]


def plain(text: str) -> str:
    """A subject without the ports and names that each run draws anew."""
    text = re.sub(r"(https?|git)://127\.0\.0\.1:\d+", r"\1://there", text)
    text = re.sub(r"(registry|127\.0\.0\.1:\d+)/w[a-z0-9]*-", "registry/", text)
    return re.sub(r"127\.0\.0\.1 \d+", "there", text)


def scenarios(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each scenario and builder: truth, verdict, grades, builds, seconds."""
    titles = ("scenario", "builder", "what changed", "verdict", "grade", "builds", "#seconds")
    yield from head(*titles)
    for line in found:
        told = line["images"]
        causes = [cause for image in told for cause in image["causes"]]
        said = "<br>".join(
            dict.fromkeys(f"{c['origin']} {c['kind']} `{plain(c['subject'])}`" for c in causes)
        )
        verdict = "<br>".join(
            [*dict.fromkeys(image["status"] for image in told), *filter(None, [said])]
        )
        grades = "<br>".join(dict.fromkeys(c["grade"] for c in causes))
        builds = "<br>".join(dict.fromkeys(_counted(image["builds"]) for image in told))
        mark = "" if line["right"] else "**wrong** "
        name = line["name"].replace("_", " ")
        yield row(
            mark + name, line["builder"], line["truth"], verdict, grades, builds, line["seconds"]
        )


def _counted(roles: Sequence[str]) -> str:
    return " + ".join(f"{n} {role}" if n > 1 else role for role, n in Counter(roles).items())


def undecided(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The scenarios whose truth cannot be told, each with the reason."""
    for line in found:
        if line["undecided"]:
            yield f"- **{line['name'].replace('_', ' ')}**: {line['truth']}. {line['undecided']}."


def generated(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The confusion matrix: what moved, against what was told, in paths."""
    if not found:
        return
    matrix: Counter[tuple[str, str]] = Counter()
    builds: Counter[str] = Counter()
    for fleet in found:
        builds.update(fleet["builds"])
        for cell in fleet["matrix"]:
            matrix[cell["truth"], cell["told"]] += cell["paths"]
    nights, seed = sum(fleet["nights"] for fleet in found), min(fleet["seed"] for fleet in found)
    columns = sorted({told for _, told in matrix}, key=_rank)
    yield from head("what moved in it", *(f"#told {column}" for column in columns))
    for truth in sorted({truth for truth, _ in matrix}, key=_rank):
        yield row(truth, *(matrix[truth, column] or "" for column in columns))
    missed = sum(
        count
        for (truth, told), count in matrix.items()
        if "external" in truth and not ("external" in told or "unexplained" in told)
    )
    alarms = sum(
        count
        for (truth, told), count in matrix.items()
        if "external" not in truth and ("external" in told or "unexplained" in told)
    )
    yield ""
    yield (
        f"Seed {seed}. {nights} nights of an image, {sum(matrix.values())} paths: changes of the "
        f"world that were missed: **{missed}**; other paths that were told as external or "
        f"unexplained: **{alarms}**. Builds: {_roles(builds)}."
    )


def _rank(words: str) -> tuple[int, list[int]]:
    parts = words.split(" + ")
    return len(parts), [ORDER.index(part) for part in parts]


def _roles(builds: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {role}" for role, count in builds.items())


def simulation() -> Iterator[str]:
    """Outcomes of random paths, by how many nights were seen before."""
    yield from head(
        "quiet nights before", *(f"#{outcome}" for outcome in Outcome), "#builds a path"
    )
    for nights in (0, 1, 5):
        tally = simulate(SIMULATED, SEED, nights)
        shares = (f"{tally.of(outcome) / tally.paths:.2%}" for outcome in Outcome)
        yield row(nights, *shares, f"{tally.builds / tally.paths:.2f}")
    yield ""
    yield f"{SIMULATED:,} paths a line, seed {SEED}."


def cost(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Builds and seconds of a night, beside one bare build of the same image."""
    if not found:
        return
    yield from head(
        "image", "builder", "#bare build, s", "night", "builds", "#builds, s", "#night, s"
    )
    for line in found:
        for night in line["nights"]:
            yield row(
                line["image"], line["builder"], f"{line['bare']:.1f}", night["name"],
                _counted(night["builds"]), f"{night['building']:.1f}", f"{night['seconds']:.1f}",
            )  # fmt: skip


def main() -> None:
    directory = Path(sys.argv[1])
    written = Path(sys.argv[2]) if len(sys.argv) > 2 else PAGE
    labelled = read(directory.glob("*.json"))
    tables = {
        "scenarios": list(scenarios(labelled)) if labelled else [],
        "undecided": list(undecided(labelled)),
        "generated": list(generated(read((directory / "generated").glob("*.json")))),
        "simulation": list(simulation()) if written == PAGE else [],
        "cost": list(cost(read((directory / "cost").glob("*.json")))),
    }
    text = PAGE.read_text()
    for name, table in tables.items():
        text = replaced(text, name, table)
    written.write_text(text)


if __name__ == "__main__":
    main()
