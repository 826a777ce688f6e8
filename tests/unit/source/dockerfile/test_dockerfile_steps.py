"""A failed step is shown with its line, or with none, never with a wrong one."""

from __future__ import annotations

import pytest

from drift.source.dockerfile import parse
from drift.source.dockerfile.steps import instruction_of_step

DOCKERFILE = parse(b"""FROM a AS build
RUN make \\
  all
RUN twice
FROM b
RUN once
RUN twice
RUN same
RUN same
""")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("[build 2/3] RUN make   all", 2),
        ("Step 2/9 : RUN make all", 2),
        ("STEP 2/9: RUN make all", 2),
        ("[1/2] STEP 2/9: RUN make all", 2),
        ("[stage-1 2/3] RUN once", 6),
        ("[2/3] RUN once", 6),
        ("[build 3/3] RUN twice", 4),
        ("Step 3/9 : RUN twice", None),
        ("[build 3/3] RUN once", None),
        ("RUN same", None),
        ("", None),
    ],
)
def test_step_names_of_each_builder(name: str, line: int | None) -> None:
    found = instruction_of_step(DOCKERFILE, name)
    assert (found.line if found else None) == line
