"""The demo fails loudly where a night does not come out as promised."""

from __future__ import annotations

from typing import Any

import pytest

from drift.demo.promise import Night, broken_promises

PACKAGE = {"origin": "external", "kind": "package", "before": "1.4.2-1", "after": "1.4.3-1"}
BASE = {"origin": "external", "kind": "base-image", "before": "sha256:a", "after": "sha256:b"}
URL = {"origin": "external", "kind": "remote-content", "before": "sha256:c", "after": "sha256:d"}
SEED = {"origin": "nondeterminism", "kind": "random", "before": None, "after": None}
FILE = {"origin": "unexplained", "kind": "file", "before": None, "after": None}


def night(code: int, statuses: list[str], causes: list[list[dict[str, Any]]]) -> Night:
    names = ("demo-web", "demo-tool", "demo-site")
    images = [
        {"name": name, "status": status, "causes": found}
        for name, status, found in zip(names, statuses, causes, strict=True)
    ]
    return Night(code, {"images": images})


FIRST = night(0, ["first"] * 3, [[], [], []])
QUIET = night(0, ["equivalent", "equivalent", "identical"], [[], [], []])


def moved(
    code: int = 1, statuses: str = "drifted drifted equivalent", **causes: list[dict[str, Any]]
) -> Night:
    web, tool = causes.get("web", [PACKAGE, BASE]), causes.get("tool", [URL])
    return night(code, statuses.split(), [web, tool, causes.get("site", [SEED])])


def test_nights_as_promised_break_nothing() -> None:
    assert list(broken_promises(FIRST, QUIET, moved())) == []


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (moved(code=0), "exited 0, not 1"),
        (moved(statuses="drifted unknown equivalent"), "demo-tool came out unknown"),
        (moved(statuses="drifted drifted drifted"), "demo-site came out drifted"),
        (moved(web=[BASE]), "0 causes of kind package"),
        (moved(web=[PACKAGE, BASE, BASE]), "2 causes of kind base-image"),
        (moved(web=[PACKAGE | {"after": None}, BASE]), "what was before and after"),
        (moved(site=[]), "the random bytes of demo-site"),
        (moved(web=[PACKAGE, BASE, FILE]), "something in demo-web is unexplained"),
        (moved(tool=[]), "0 causes of kind remote-content"),
    ],
)
def test_a_moved_night_that_is_not_as_promised_is_told(bad: Night, sentence: str) -> None:
    broken = list(broken_promises(FIRST, QUIET, bad))
    assert any(sentence in one for one in broken), broken


def test_a_quiet_night_that_is_not_quiet_is_told() -> None:
    loud = night(1, ["drifted", "equivalent", "identical"], [[], [], []])
    broken = list(broken_promises(FIRST, loud, moved()))
    assert len(broken) == 2
    assert "demo-web came out drifted on the quiet night" in broken[0]
    assert broken[1] == "the quiet night exited 1, not 0"
