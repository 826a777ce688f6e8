"""What a reader must look at, as a table: one difference, and the words that it is marked with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.attribute.accounts import ACCOUNT_FILES, account_risks
from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin
from drift.attribute.risk import Risk, config_risk
from drift.attribute.risks import with_risks
from drift.attribute.sides import Sides
from drift.compare.compare import compare
from drift.compare.model import ConfigChange
from drift.oci import DiffId
from drift.snapshot.layer import Capture, read_layer
from drift.snapshot.model import Layer, LayersInMemory, Snapshot
from drift.snapshot.packages.catalogue import wanted
from support.images import Member, directory, file, snapshot_of, symlink, tar

CAPABILITY = {"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x20"}
OTHERS = {"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x21"}


@dataclass
class Night:
    """Two images of one layer each, whose differences all have one cause."""

    before: list[Member]
    after: list[Member]
    origin: Origin = Origin.EXTERNAL
    symbols: Mapping[str, tuple[tuple[str, ...] | None, tuple[str, ...] | None]] = field(
        default_factory=dict
    )
    settings: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})
    captured: bool = True

    def risks(self) -> tuple[str, ...]:
        store = LayersInMemory()
        one, other = (
            self._snapshot(members, store, side)
            for side, members in enumerate((self.before, self.after))
        )
        comparison = compare(one, other, store)
        cause = Cause("c1", self.origin, Kind.FILE, "it", Grade.INFERRED)
        attribution = Attribution(
            (cause,),
            {change.path: "c1" for change in comparison.files},
            config={change.field: "c1" for change in comparison.config},
        )
        (marked,) = with_risks(attribution, comparison, Sides(one, other), store).causes
        assert replace(marked, risk=()) == cause
        return marked.risk

    def _snapshot(self, members: list[Member], store: LayersInMemory, side: int) -> Snapshot:
        members = [file(f"side-{side}"), *members]
        kept = Capture(wanted=wanted if self.captured else lambda _: False, largest=1 << 20)
        layer = read_layer(iter([tar(members)]), "a layer", kept)
        store.put(self._with_symbols(layer, side))
        return snapshot_of([members], store, settings=self.settings[side])

    def _with_symbols(self, layer: Layer, side: int) -> Layer:
        known = {path: sides[side] for path, sides in self.symbols.items()}
        return replace(layer, symbols={path: s for path, s in known.items() if s is not None})


def changed(before: Member | None, after: Member | None, **fields: Any) -> Night:
    return Night([before] if before else [], [after] if after else [], **fields)


TOOL, TOOL_2 = file("usr/bin/x", "1", mode=0o755), file("usr/bin/x", "2", mode=0o755)


def tool(mode: int, content: str = "1", **fields: Any) -> Member:
    return file("usr/bin/x", content, mode=mode, **fields)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (TOOL, tool(0o4755), ("setuid",)),
        (None, tool(0o4755), ("setuid",)),
        (symlink("usr/bin/x", "y"), tool(0o4755), ("setuid",)),
        (tool(0o4755, uid=7), tool(0o4755), ("setuid",)),
        (tool(0o4644), tool(0o4755), ("setuid",)),
        (TOOL, tool(0o2755), ("setgid",)),
        (tool(0o2755, gid=7), tool(0o2755), ("setgid",)),
        (TOOL, tool(0o6755), ("setuid", "setgid")),
        (tool(0o4755), tool(0o4755, "2"), ()),
        (tool(0o4755), TOOL, ()),
        (tool(0o4755), None, ()),
        (TOOL, tool(0o4644), ()),
        (TOOL, tool(0o1755), ()),
        (directory("usr/bin/x"), directory("usr/bin/x", mode=0o2755), ()),
        (TOOL, TOOL_2, ()),
        (TOOL, tool(0o755, pax=CAPABILITY), ("capabilities",)),
        (None, tool(0o755, pax=CAPABILITY), ("capabilities",)),
        (tool(0o755, pax=OTHERS), tool(0o755, pax=CAPABILITY), ("capabilities",)),
        (tool(0o755, pax=CAPABILITY), tool(0o755, "2", pax=CAPABILITY), ()),
        (tool(0o755, pax=CAPABILITY), TOOL, ()),
        (TOOL, tool(0o755, pax={"SCHILY.xattr.user.x": "1"}), ()),
    ],
)
def test_privileges_that_a_file_gives(
    before: Member | None, after: Member | None, expected: tuple[str, ...]
) -> None:
    assert changed(before, after).risks() == expected
    assert changed(before, after, origin=Origin.NONDETERMINISM).risks() == expected


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("etc/ssl/certs/ca-certificates.crt", "ca-certificate"),
        ("etc/ssl/certs/java/cacerts", "ca-certificate"),
        ("usr/share/ca-certificates/mozilla/X.crt", "ca-certificate"),
        ("usr/local/share/ca-certificates/corp.crt", "ca-certificate"),
        ("etc/pki/ca-trust/source/anchors/x.pem", "ca-certificate"),
        ("opt/java/openjdk/lib/security/cacerts", "ca-certificate"),
        ("usr/lib/python3/dist-packages/certifi/cacert.pem", "ca-certificate"),
        ("etc/pki/rpm-gpg/RPM-GPG-KEY", None),
        ("etc/cron.d/job", "cron"),
        ("etc/crontab", "cron"),
        ("etc/cron.daily/apt", "cron"),
        ("etc/cron.daily/.placeholder", None),
        ("var/spool/cron/crontabs/root", "cron"),
        ("etc/periodic/daily/x", "cron"),
        ("etc/systemd/system/x.service", "systemd"),
        ("usr/lib/systemd/system/x.timer", "systemd"),
        ("lib/systemd/system/x.socket", "systemd"),
        ("etc/systemd/system/multi-user.target.wants/x.service", "systemd"),
        ("etc/systemd/system/x.service.d/override.conf", "systemd"),
        ("usr/lib/systemd/libsystemd-shared.so", None),
        ("etc/init.d/x", "init"),
        ("etc/rc3.d/S01x", "init"),
        ("etc/inittab", "init"),
        ("etc/sudoers.d/x", "sudo"),
        ("etc/sudoers", "sudo"),
        ("etc/pam.d/su", "pam"),
        ("etc/ld.so.preload", "preload"),
        ("root/.ssh/authorized_keys", "authorized-keys"),
        ("home/me/.ssh/authorized_keys", "authorized-keys"),
        ("etc/hosts", None),
        ("opt/etc/sudoers", None),
        ("etc/sudoersx", None),
    ],
)
def test_places_where_a_new_file_counts(path: str, word: str | None) -> None:
    new, other = file(path, "1"), file(path, "2")
    expected = (word,) if word else ()

    assert changed(None, new).risks() == expected
    assert changed(new, other).risks() == expected
    assert changed(None, symlink(path, "x")).risks() == expected
    assert changed(new, None).risks() == ()
    assert changed(new, replace(new, mode=0o600)).risks() == ()
    assert changed(new, other, origin=Origin.NONDETERMINISM).risks() == ()
    assert changed(None, directory(path)).risks() == ()


ROOT = "root:x:0:0:root:/root:/bin/bash"
APP = "app:x:1000:1000::/home/app:/usr/sbin/nologin"


@pytest.mark.parametrize(
    ("path", "before", "after", "expected"),
    [
        ("etc/passwd", ROOT, f"{ROOT}\n{APP}", ("user",)),
        ("etc/passwd", ROOT, f"{ROOT}\nme:x:1001:1001::/:/bin/bash", ("user", "shell")),
        ("etc/passwd", ROOT, f"{ROOT}\nme:x:1001:1001::/:", ("user", "shell")),
        ("etc/passwd", f"{ROOT}\n{APP}", f"{ROOT}\n{APP.replace('nologin', 'bash')}", ("shell",)),
        ("etc/passwd", f"{ROOT}\n{APP.replace('nologin', 'bash')}", f"{ROOT}\n{APP}", ()),
        ("etc/passwd", f"{ROOT}\n{APP}", f"{ROOT}\n{APP.replace(':1000:', ':0:', 1)}", ("user",)),
        ("etc/passwd", ROOT, ROOT.replace(":x:", "::"), ("user",)),
        ("etc/passwd", ROOT, ROOT.replace(":root:/", ":Root:/"), ()),
        ("etc/passwd", f"{ROOT}\n{APP}", ROOT, ()),
        ("etc/passwd", f"{ROOT}\n{APP}", f"{APP}\n{ROOT}", ()),
        ("etc/passwd", ROOT, f"{ROOT}\n# a comment\n\n", ()),
        ("etc/passwd", ROOT, f"{ROOT}\nroot:x:0:0::/:/bin/sh", ("shell",)),
        ("etc/passwd", ROOT, f"{ROOT}\n\x00\xff:::", ("user", "shell")),
        ("etc/passwd", ROOT, f"{ROOT}\nno-fields", ("user", "shell")),
        ("etc/group", "root:x:0:", "root:x:0:\napp:x:1000:", ("group",)),
        ("etc/group", "sudo:x:27:", "sudo:x:27:app", ("group",)),
        ("etc/group", "sudo:x:27:app,me", "sudo:x:27:me", ()),
        ("etc/group", "app:x:1000:", "app:x:0:", ("group",)),
        ("etc/group", "root:x:0:\napp:x:1000:", "root:x:0:", ()),
        ("etc/shells", "/bin/sh", "/bin/sh\n/bin/zsh", ("shell",)),
        ("etc/shells", "/bin/sh\n/bin/zsh", "/bin/sh", ()),
    ],
)
def test_accounts_that_come_or_change(
    path: str, before: str, after: str, expected: tuple[str, ...]
) -> None:
    night = changed(file(path, before), file(path, after))

    assert night.risks() == expected
    assert replace(night, origin=Origin.NONDETERMINISM).risks() == ()


def test_a_new_file_of_accounts_is_all_new() -> None:
    assert changed(None, file("etc/passwd", APP)).risks() == ("user",)
    assert changed(file("etc/passwd", APP), None).risks() == ()


@pytest.mark.parametrize(
    "night",
    [
        changed(file("etc/passwd", ROOT), file("etc/passwd", APP), captured=False),
        changed(file("etc/passwd", ROOT), symlink("etc/passwd", "/run/passwd")),
        changed(symlink("etc/group", "x"), file("etc/group", "root:x:0:")),
        changed(file("etc/passwd", ROOT), file("etc/passwd", "x" * (5 << 20))),
    ],
)
def test_accounts_that_cannot_be_read_are_not_silent(night: Night) -> None:
    assert night.risks() == ("accounts-unknown",)


LINES = st.lists(
    st.lists(st.binary(max_size=5), min_size=1, max_size=8).map(b":".join), max_size=6
).map(b"\n".join)


@given(st.sampled_from(sorted(ACCOUNT_FILES)), LINES, LINES)
def test_whatever_an_image_calls_accounts(path: str, before: bytes, after: bytes) -> None:
    assert set(account_risks(path, before, after)) <= {Risk.USER, Risk.GROUP, Risk.SHELL}
    assert not list(account_risks(path, before, before))
    assert not list(account_risks(path, before, b""))


def library(path: str, content: str) -> Member:
    return file(path, content, mode=0o644)


F, FG = ("f",), ("f", "g")
LIB, LIB_1, LIB_2 = "usr/lib/libx.so.1", "usr/lib/libx.so.1.0.1", "usr/lib/libx.so.1.0.2"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((LIB, FG), (LIB, F), ("lost-symbols",)),
        ((LIB, F), (LIB, FG), ()),
        ((LIB, FG), (LIB, FG), ()),
        ((LIB_1, FG), (LIB_2, F), ("lost-symbols",)),
        ((LIB_1, F), (LIB_2, FG), ()),
        ((LIB_1, FG), ("usr/lib/libx.so.2.0.0", F), ()),
        ((LIB_1, FG), ("usr/lib/liby.so.1.0.2", F), ()),
        (("usr/lib/a/x.so", FG), ("usr/lib/a/x.so", F), ("lost-symbols",)),
        ((LIB, None), (LIB, F), ("symbols-unknown",)),
        ((LIB, FG), (LIB, None), ("symbols-unknown",)),
        ((LIB, None), (LIB, None), ()),
        ((LIB, FG), (LIB, ()), ("lost-symbols",)),
        ((LIB, FG), None, ()),
        (None, (LIB, FG), ()),
    ],
)
def test_libraries_that_export_less(
    before: tuple[str, tuple[str, ...] | None] | None,
    after: tuple[str, tuple[str, ...] | None] | None,
    expected: tuple[str, ...],
) -> None:
    paths = {side[0] for side in (before, after) if side}
    symbols = {
        f"/{path}": (
            before[1] if before and before[0] == path else None,
            after[1] if after and after[0] == path else None,
        )
        for path in paths
    }
    one, other = (
        library(side[0], content) if side else None
        for side, content in ((before, "1"), (after, "2"))
    )

    assert changed(one, other, symbols=symbols).risks() == expected


def test_a_library_below_a_linked_directory_is_found_by_its_content() -> None:
    link, lib = symlink("lib", "usr/lib"), directory("usr/lib")
    night = Night(
        [lib, link, library("lib/libx.so.1", "1")],
        [lib, link, library("lib/libx.so.1", "2")],
        symbols={"/lib/libx.so.1": (FG, F)},
    )

    assert night.risks() == ("lost-symbols",)


@pytest.mark.parametrize(
    ("field_name", "before", "after", "expected"),
    [
        ("Entrypoint", ["a"], ["b"], "entrypoint"),
        ("Entrypoint", ["a"], None, "entrypoint"),
        ("Cmd", None, ["b"], "command"),
        ("Env.PATH", "/bin", "/tmp:/bin", "environment"),
        ("User", "app", None, "user"),
        ("ExposedPorts.22/tcp", None, {}, "ports"),
        ("ExposedPorts.22/tcp", {}, None, None),
        ("Labels.Env", None, "x", None),
        ("WorkingDir", None, "/app", None),
        ("EnvX", None, "x", None),
    ],
)
def test_settings_that_decide_what_runs(
    field_name: str, before: object, after: object, expected: str | None
) -> None:
    assert config_risk(ConfigChange(field_name, before, after)) == expected


def test_a_cause_has_the_words_of_all_its_differences_once_and_in_order() -> None:
    night = Night(
        [file("etc/cron.d/a", "1")],
        [file("etc/cron.d/a", "2"), file("etc/cron.d/b"), tool(0o4755)],
        settings=({}, {"Cmd": ["x"], "Env": ["A=1"]}),
    )

    assert night.risks() == ("setuid", "cron", "command", "environment")


def test_a_layer_that_is_not_kept_makes_accounts_unknown() -> None:
    store = LayersInMemory()
    one = snapshot_of([[file("etc/passwd", ROOT)]], store)
    other = snapshot_of([[file("etc/passwd", APP)]], store)
    comparison = compare(one, other, store)
    cause = Cause("c1", None, Kind.FILE, "it", Grade.INFERRED)
    attribution = Attribution((cause,), {"/etc/passwd": "c1"})

    marked = with_risks(attribution, comparison, Sides(one, other), LayersInMemory())

    assert isinstance(one.layers[0].diff_id, DiffId)
    assert marked.causes[0].risk == ("accounts-unknown",)
