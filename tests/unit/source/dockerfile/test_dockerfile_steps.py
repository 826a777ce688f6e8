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
        ("Step 3/9 : RUN twice", 4),
        ("Step 6/9 : RUN twice", 7),
        ("Step 5/9 : RUN twice", None),
        ("RUN twice", None),
        ("[2/2] STEP 3/5: RUN twice", 7),
        ("STEP 3/5: RUN twice", None),
        ("[build 3/3] RUN once", None),
        ("RUN same", None),
        ("[stage-1 4/5] RUN same", 8),
        ("[stage-1  5/5] RUN same", 9),
        ("[stage-1 5/6] RUN same", None),  # a trigger of the base was counted too
        ("[2/2] STEP 4/5: RUN same", 8),
        ("[1/2] STEP 4/5: RUN same", None),
        ("", None),
    ],
)
def test_step_names_of_each_builder(name: str, line: int | None) -> None:
    found = instruction_of_step(DOCKERFILE, name)
    assert (found.line if found else None) == line


FILLED = parse(b"""FROM a
ARG WHO=world
RUN echo "$WHO" ${THEN:-now} end
RUN echo $WHO $WHO
RUN <<EOF
make
make install
EOF
COPY <<EOF <<OTHER /etc/
a (b)
EOF
OTHER
""")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ('[2/5] RUN echo "world" later, or end', 3),
        ("[3/5] RUN echo world world", 4),
        ("[3/5] RUN echo  ", None),
        ("[4/5] RUN <<EOF (make...)", 5),
        ("STEP 4/5: RUN <<EOF (make...)", 5),
        ("[5/5] COPY <<EOF <<OTHER /etc/ (a (b))", 9),
        ("[5/5] COPY <<EOF <<OTHER /etc/", 9),
        ("[5/5] COPY <<EOF <<OTHER /opt/", None),
    ],
)
def test_values_and_here_documents_in_step_names(name: str, line: int | None) -> None:
    found = instruction_of_step(FILLED, name)
    assert (found.line if found else None) == line


ESCAPED = parse(rb"""FROM a
RUN echo "{\"a\": 1}" > /a.json
RUN echo "{a: 1}" > /a.json
""")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (r'[2/3] RUN echo "{\"a\": 1}" > /a.json', 2),
        ('[2/3] RUN echo "{"a": 1}" > /a.json', 2),
        ('[3/3] RUN echo "{a: 1}" > /a.json', 3),
        ('[3/3] RUN echo "{"b": 1}" > /a.json', None),
    ],
)
def test_escapes_that_older_builders_leave_out(name: str, line: int | None) -> None:
    found = instruction_of_step(ESCAPED, name)
    assert (found.line if found else None) == line
