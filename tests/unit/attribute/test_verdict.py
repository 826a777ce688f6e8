"""What an image's differences mean, and what the policy makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin, Status
from drift.attribute.verdict import is_flagged, status_of
from drift.compare.compare import compare
from drift.compare.ignore import ignore_rules
from drift.compare.model import Comparison, ConfigChange, LayerChange
from drift.oci import DiffId
from drift.snapshot.model import LayersInMemory
from support.images import Member, file, snapshot_of

DEFAULT = ("external", "unexplained", "broken")
TOLERATED = ("package-index",)
MOVED = LayerChange(0, DiffId("sha256:" + "0" * 64), DiffId("sha256:" + "1" * 64), 1, None)


def cause(origin: Origin | None, kind: Kind) -> Cause:
    return Cause("c1", origin, kind, "a subject", Grade.INFERRED)


def verdict(*causes: Cause, comparison: Comparison | None = None) -> Status:
    found = comparison or Comparison(layers=(MOVED,))
    return status_of(found, Attribution(causes=causes), TOLERATED)


@pytest.mark.parametrize(
    ("causes", "status"),
    [
        pytest.param((), Status.EQUIVALENT, id="times, ignored and shadowed paths have no cause"),
        pytest.param((cause(Origin.NONDETERMINISM, Kind.LOG),), Status.EQUIVALENT, id="noise"),
        pytest.param(
            (cause(Origin.EXTERNAL, Kind.PACKAGE_INDEX),), Status.EQUIVALENT, id="tolerated"
        ),
        pytest.param(
            (cause(Origin.EXTERNAL, Kind.BASE_IMAGE),), Status.DRIFTED, id="a base, without a file"
        ),
        pytest.param((cause(Origin.REPO, Kind.CONTEXT),), Status.DRIFTED, id="the repository"),
        pytest.param((cause(Origin.TOOLCHAIN, Kind.ENGINE),), Status.DRIFTED, id="the engine"),
        pytest.param((cause(Origin.UNEXPLAINED, Kind.LOG),), Status.DRIFTED, id="unexplained"),
        pytest.param((cause(None, Kind.FILE),), Status.DRIFTED, id="two images alone"),
        pytest.param(
            (cause(Origin.NONDETERMINISM, Kind.LOG), cause(Origin.EXTERNAL, Kind.PACKAGE)),
            Status.DRIFTED,
            id="noise hides nothing",
        ),
    ],
)
def test_the_status_of_an_image_whose_layers_differ(
    causes: Sequence[Cause], status: Status
) -> None:
    assert verdict(*causes) is status


def test_the_same_layers_and_settings_are_identical() -> None:
    assert verdict(comparison=Comparison()) is Status.IDENTICAL


def test_a_setting_that_changed_is_drift_without_a_changed_file() -> None:
    found = Comparison(config=(ConfigChange("Cmd", "a", "b"),))
    assert verdict(cause(Origin.REPO, Kind.DOCKERFILE), comparison=found) is Status.DRIFTED


def stack(*layers: Sequence[Member], ignore: Sequence[str] = ()) -> Comparison:
    """The same image, then one with these layers."""
    manifests = LayersInMemory()
    then = snapshot_of([[file("kept", "1"), file("gone", "1")]], manifests)
    now = snapshot_of(layers, manifests)
    return compare(then, now, manifests, ignore_rules(ignore))


@pytest.mark.parametrize(
    "comparison",
    [
        stack([file("kept", "1", mtime=2), file("gone", "1")]),
        stack([file("kept", "2"), file("gone", "1")], ignore=["/kept"]),
        stack([file("kept", "9"), file("gone", "1")], [file("kept", "1")]),
    ],
    ids=["modification times", "an ignored path", "a shadowed path"],
)
def test_what_makes_no_cause_is_equivalent_and_never_flags(comparison: Comparison) -> None:
    assert (comparison.files, comparison.identical) == ((), False)
    assert verdict(comparison=comparison) is Status.EQUIVALENT
    assert not is_flagged(Status.EQUIVALENT, (), DEFAULT, TOLERATED)


def test_an_ignored_path_is_in_no_other_count() -> None:
    found = stack(
        [file("kept", "9"), file("gone", "1", mtime=2), file("new", "1")],
        [file("kept", "1")],
        ignore=["kept", "gone", "new"],
    )
    assert (found.files, found.metadata_only, found.shadowed) == ((), (), 0)
    assert found.ignored == 2, "a path that is the same in the end is no difference to ignore"


@pytest.mark.parametrize("origin", list(Origin))
def test_an_origin_flags_where_the_policy_names_it(origin: Origin) -> None:
    causes = (cause(origin, Kind.FILE),)
    assert is_flagged(Status.DRIFTED, causes, (origin.value,), TOLERATED)
    others = [other.value for other in Origin if other is not origin]
    assert not is_flagged(Status.DRIFTED, causes, others, TOLERATED)


@pytest.mark.parametrize("status", list(Status))
def test_a_status_flags_where_the_policy_names_it(status: Status) -> None:
    assert is_flagged(status, (), (status.value,))
    assert not is_flagged(status, (), [other.value for other in Status if other is not status])


def test_a_tolerated_kind_never_flags_and_excuses_no_other() -> None:
    tolerated = cause(Origin.EXTERNAL, Kind.PACKAGE_INDEX)
    assert not is_flagged(Status.EQUIVALENT, (tolerated,), DEFAULT, TOLERATED)
    assert is_flagged(Status.EQUIVALENT, (tolerated,), DEFAULT, ())
    package = cause(Origin.EXTERNAL, Kind.PACKAGE)
    assert is_flagged(Status.DRIFTED, (tolerated, package), DEFAULT, TOLERATED)


def test_by_default_the_repository_and_noise_do_not_flag() -> None:
    causes = (cause(Origin.REPO, Kind.CONTEXT), cause(Origin.NONDETERMINISM, Kind.LOG))
    assert not is_flagged(Status.DRIFTED, causes, DEFAULT, TOLERATED)
    assert is_flagged(Status.BROKEN, (), DEFAULT, TOLERATED)
    assert not is_flagged(Status.UNKNOWN, (), DEFAULT, TOLERATED)
