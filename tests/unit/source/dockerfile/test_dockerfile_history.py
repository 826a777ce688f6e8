"""Layers tied to lines. The histories are what dockerd 20.10 wrote for such files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drift.oci import HistoryEntry
from drift.snapshot.model import Instruction
from drift.source.dockerfile import parse, tie_layers

BASE = HistoryEntry("", empty_layer=False, comment="Imported from -")
DOCKERFILE = b"""ARG BASE=debian
FROM $BASE AS one
ARG FOO=x
RUN echo hi \\
    && echo "$FOO" > /x
RUN true
WORKDIR /etc
COPY a.txt b.txt ./
COPY --chown=1:1 a.txt /dest/${FOO}/
ONBUILD RUN echo onb > /onb
FROM one AS two
COPY --from=0 /x /y
HEALTHCHECK --interval=5s CMD true
CMD echo hi
"""
CLASSIC = [
    ("/bin/sh -c #(nop)  ARG FOO=x", True),
    ('|1 FOO=bar /bin/sh -c echo hi     && echo "$FOO" > /x', False),
    ("|1 FOO=bar /bin/sh -c true", True),
    ("/bin/sh -c #(nop) WORKDIR /etc", True),
    ("/bin/sh -c #(nop) COPY multi:dced38f03eba in ./ ", False),
    ("/bin/sh -c #(nop) COPY --chown=1:1file:3787d2ef6f9c in /dest/bar/ ", False),
    ("/bin/sh -c #(nop)  ONBUILD RUN echo onb > /onb", True),
    ("|0 /bin/sh -c echo onb > /onb", False),
    ("/bin/sh -c #(nop) COPY file:f7ed251aa820 in /y ", False),
    ('/bin/sh -c #(nop)  HEALTHCHECK &{["CMD-SHELL" "true"] "5s" "0s" "0s" \'\\x00\'}', True),
    ('/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "echo hi"]', True),
]
BUILDKIT = [
    ("ARG FOO=x", True),
    ('RUN |1 FOO=bar /bin/sh -c echo hi     && echo "$FOO" > /x # buildkit', False),
    ("RUN |1 FOO=bar /bin/sh -c true # buildkit", False),
    ("WORKDIR /etc", False),
    ("COPY a.txt b.txt ./ # buildkit", False),
    ("COPY a.txt /dest/bar/ # buildkit", False),
    ("RUN /bin/sh -c echo onb > /onb # buildkit", False),
    ("COPY /x /y # buildkit", False),
    ('HEALTHCHECK &{["CMD-SHELL" "true"] "5s" "0s" "0s" \'\\x00\'}', True),
    ('CMD ["/bin/sh" "-c" "echo hi"]', True),
]


def tied(
    history: Sequence[tuple[str, bool]],
    dockerfile: bytes = DOCKERFILE,
    args: Mapping[str, str] | None = None,
    target: str | None = None,
    *,
    onbuild: Mapping[str, Sequence[str]] | None = None,
) -> list[int | None]:
    """The lines above one layer of a base, which must come first and be None."""
    entries = [BASE, *(HistoryEntry(text, empty_layer=empty) for text, empty in history)]
    found = tie_layers(entries, 1, 1, parse(dockerfile), args or {}, target, onbuild=onbuild)
    assert found[0] is None
    return [instruction.line if instruction else None for instruction in found[1:]]


def test_classic_history_with_empty_layers_and_triggers() -> None:
    assert tied(CLASSIC, args={"FOO": "bar"}) == [4, 8, 9, 10, 12]


def test_buildkit_history_without_an_entry_for_onbuild() -> None:
    assert tied(BUILDKIT, args={"FOO": "bar"}) == [4, 6, 7, 8, 9, 10, 12]


def test_a_target_has_its_own_chain() -> None:
    assert tied(BUILDKIT[:6], target="one") == [4, 6, 7, 8, 9]


def test_the_instruction_has_stage_line_and_text() -> None:
    entries = [BASE, *(HistoryEntry(text, empty_layer=empty) for text, empty in BUILDKIT)]
    found = tie_layers(entries, 1, 1, parse(DOCKERFILE), {}, None)
    assert found[1] == Instruction("one", 4, 'RUN echo hi && echo "$FOO" > /x')
    assert found[6] == Instruction("two", 10, "ONBUILD RUN echo onb > /onb")
    assert found[7] == Instruction("two", 12, "COPY --from=0 /x /y")


def test_triggers_of_the_base_are_tied_to_from_where_known_and_to_nothing_where_not() -> None:
    history = [("RUN /bin/sh -c t # buildkit", False), ("COPY a /b # buildkit", False)]
    dockerfile = b"FROM debian\nCOPY a /b\n"
    assert tied(history, dockerfile) == [None, 2]
    assert tied(history, dockerfile, onbuild={"debian": ["RUN t"]}) == [1, 2]


def test_heredocs_as_buildkit_runs_them() -> None:
    dockerfile = (
        b"FROM a\nRUN <<E\necho 1\necho 2\nE\nRUN <<-E\n\techo 3\nE\nRUN <<S\n#!/bin/sh\nx\nS\n"
        b"RUN cat <<E > /x\nbody\nE\nCOPY <<F /f\nx\nF\n"
    )
    history = [
        ("RUN /bin/sh -c echo 1\necho 2\n # buildkit", False),
        ("RUN /bin/sh -c echo 3\n # buildkit", False),
        ("RUN /bin/sh -c /dev/pipes/S # buildkit", False),
        ("RUN /bin/sh -c cat <<E > /x\nbody\nE # buildkit", False),
        ("COPY <<F /f # buildkit", False),
    ]
    assert tied(history, dockerfile) == [2, 6, 9, 13, 16]


def test_the_same_instruction_twice_is_told_apart_by_its_place() -> None:
    history = [("RUN /bin/sh -c x # buildkit", False)] * 2
    assert tied(history, b"FROM a\nRUN x\nENV A=1\nRUN x\n") == [2, 4]


def test_what_does_not_fit_is_not_guessed() -> None:
    run = ("RUN /bin/sh -c other # buildkit", False)
    assert tied([run], b"FROM a\nRUN x\n") == [None]
    assert (
        tied([run, ("RUN /bin/sh -c x # buildkit", False), run], b"FROM a\nRUN x\n") == [None] * 3
    )
    assert tied([("", False)], b"FROM a\nRUN x\nRUN y\n") == [None]  # squashed
    assert tied([("COPY a /elsewhere # buildkit", False)], b"FROM a\nCOPY a /b\n") == [None]


def test_a_mark_inside_a_command_does_not_make_it_a_copy() -> None:
    history = [("/bin/sh -c echo '#(nop) COPY x in /y '", False)]
    assert tied(history, b"FROM a\nRUN echo '#(nop) COPY x in /y '\n") == [2]
    assert tied(history, b"FROM a\nCOPY x /y\n") == [None]


def test_the_result_has_the_images_length_and_never_raises() -> None:
    dockerfile = parse(b"FROM $NONE\nRUN x\n")
    entries = [HistoryEntry("RUN /bin/sh -c x # buildkit", empty_layer=False)]
    assert tie_layers(entries, 0, 0, dockerfile, {}, None) == (None,)
    assert tie_layers(entries, 0, 2, dockerfile, {}, "nowhere", layers=5) == (None,) * 5
    assert tie_layers(entries, 9, 1, dockerfile, {}, None, layers=1) == (None,)


def test_a_very_long_history_is_given_up_soon() -> None:
    entries = [HistoryEntry("RUN /bin/sh -c x", empty_layer=False)] * 100_000
    assert set(tie_layers(entries, 0, 0, parse(b"FROM a\n" + b"RUN x\n" * 100), {}, None)) == {None}
