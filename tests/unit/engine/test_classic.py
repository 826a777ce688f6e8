from __future__ import annotations

import pytest

from drift.engine.classic import ClassicTranscript
from drift.engine.model import Progress
from drift.engine.transcript import Message

FIRST, SECOND, FINAL = (f"sha256:{letter * 64}" for letter in "abc")


def read(messages: list[Message]) -> tuple[ClassicTranscript, list[Progress]]:
    transcript = ClassicTranscript()
    begun = [progress for message in messages for progress in transcript.feed(message)]
    return transcript, begun


def step(number: int, of: int, instruction: str) -> list[Message]:
    return [{"stream": f"Step {number}/{of} : {instruction}"}, {"stream": "\n"}]


STAGES: list[Message] = [
    *step(1, 5, "FROM debian:12 AS build"),
    {"stream": " ---> 979b1754dce9\n"},
    *step(2, 5, "RUN make"),
    {"stream": " ---> Running in 8daa3accda87\n"},
    {"stream": "made"},
    {"stream": "Removing intermediate container 8daa3accda87\n"},
    {"stream": f" ---> {FIRST[7:19]}\n"},
    {"aux": {"ID": FIRST}},
    *step(3, 5, "FROM build"),
    {"stream": f" ---> {FIRST[7:19]}\n"},
    *step(4, 5, "FROM --platform=linux/amd64 scratch-like:1"),
    {"stream": " ---> 111111111111\n"},
    *step(5, 5, "COPY --from=build /x /x"),
    {"stream": f" ---> {FINAL[7:19]}\n"},
    {"aux": {"ID": FINAL}},
    {"stream": f"Successfully built {FINAL[7:19]}\n"},
    {"stream": "Successfully tagged x:1\n"},
]


def test_a_build_in_stages() -> None:
    transcript, begun = read(STAGES)

    assert transcript.image_id == FINAL
    assert transcript.error is None
    assert transcript.bases_used == {
        "debian:12": "979b1754dce9",
        "scratch-like:1": "111111111111",
    }
    assert transcript.left_images == (FIRST[7:19],)
    assert begun[1] == Progress(2, 5, "Step 2/5 : RUN make")
    assert [one.name for one in transcript.steps] == [progress.name for progress in begun]
    assert "made\nRemoving intermediate" in transcript.log


def test_a_step_that_fails() -> None:
    error = "The command '/bin/sh -c make' returned a non-zero code: 2"
    transcript, _ = read([*STAGES[:7], {"error": error, "errorDetail": {"message": error}}])

    assert transcript.image_id is None
    assert transcript.error == error
    assert transcript.failed_step == "Step 2/5 : RUN make"
    assert transcript.failed_log == ("made",)
    assert transcript.steps[-1].error == error
    assert transcript.log.endswith(f"made\nERROR: {error}\n")


def test_a_stage_that_the_image_stands_on_is_not_left() -> None:
    transcript, _ = read(
        [
            *STAGES[:13],  # FROM build
            *step(4, 4, "RUN true"),
            {"stream": f" ---> {FINAL[7:19]}\n"},
            {"aux": {"ID": FINAL}},
        ]
    )

    assert transcript.image_id == FINAL
    assert transcript.left_images == ()


def test_a_build_that_fails_leaves_what_its_steps_made() -> None:
    transcript, _ = read([*STAGES, *step(6, 6, "RUN false"), {"error": "it failed"}])

    assert transcript.left_images == (FINAL[7:19], FIRST[7:19])


def test_a_base_whose_triggers_ran_is_not_named() -> None:
    transcript, _ = read(
        [
            *step(1, 2, "FROM onbuild:1"),
            {"stream": "# Executing 1 build trigger\n"},
            {"stream": " ---> Running in 8daa3accda87\n"},
            {"stream": f" ---> {FIRST[7:19]}\n"},
            {"stream": f" ---> {FIRST[7:19]}\n"},
            *step(2, 2, "RUN make"),
            {"stream": f" ---> {FINAL[7:19]}\n"},
            {"aux": {"ID": FINAL}},
        ]
    )

    assert transcript.image_id == FINAL
    assert transcript.bases_used == {}


@pytest.mark.parametrize(
    "printed", [f" ---> {SECOND[7:19]}\n", f"Successfully built {SECOND[7:19]}\n"]
)
def test_what_a_step_prints_names_no_image(printed: str) -> None:
    transcript, _ = read([*STAGES[:6], {"stream": printed}, *STAGES[6:]])

    assert transcript.image_id == FINAL
    assert FINAL not in transcript.left_images
    assert transcript.bases_used["debian:12"] == "979b1754dce9"


def test_podman_names_the_cause_in_its_last_line() -> None:
    transcript, begun = read(
        [
            {"stream": "STEP 1/2: FROM debian:12\n"},
            {"stream": "STEP 2/2: RUN make\n"},
            {"stream": "make: *** No targets.  Stop.\n"},
            {"error": 'building at STEP "RUN make": exit status 2'},
        ]
    )

    assert transcript.error is not None
    assert transcript.error.endswith("exit status 2: make: *** No targets.  Stop.")
    assert transcript.failed_step == "STEP 2/2: RUN make"
    assert [progress.step for progress in begun] == [1, 2]


def test_podman_numbers_the_steps_of_each_stage() -> None:
    transcript, begun = read(
        [
            {"stream": "[1/2] STEP 1/2: FROM debian:12 AS build\n"},
            {"stream": "[1/2] STEP 2/2: RUN make\n"},
            {"stream": f"--> {FIRST[7:19]}\n"},
            {"stream": "[2/2] STEP 1/2: FROM debian:12\n"},
            {"stream": "[2/2] STEP 2/2: RUN true\n"},
            {"stream": f"--> {FINAL[7:19]}\n"},
            {"stream": f"Successfully built {FINAL[7:19]}\n"},
        ]
    )

    assert transcript.image_id == FINAL[7:19]
    assert transcript.left_images == (FIRST[7:19],)
    assert [progress.steps for progress in begun] == [2, 2, 2, 2]


def test_stderr_in_the_middle_of_a_line_is_a_line_of_its_own() -> None:
    transcript, _ = read(
        [
            *step(1, 1, "RUN apt-get install -y bash=0.1"),
            {"stream": "Reading package lists..."},
            {"stream": "\x1b[91mE\x1b[0m"},
            {"stream": "\x1b[91m: \x1b[0m"},
            {"stream": "\nBuilding dependency tree..."},
            {"stream": "\x1b[91mVersion '0.1' for 'bash' was not found\n\x1b[0m"},
            {"stream": "\nwait"},
            {"stream": "\x1b[91mnot ended\x1b[0m"},
            {"error": "returned a non-zero code: 100"},
        ]
    )

    assert transcript.failed_log == (
        "Reading package lists...",
        "E: Version '0.1' for 'bash' was not found",
        "Building dependency tree...",
        "wait",
        "not ended",
    )
