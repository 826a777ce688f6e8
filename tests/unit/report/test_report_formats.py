"""Text, JSON, GitHub and JUnit: what a reader and a CI system are told."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin, Status
from drift.compare.model import Comparison, PackageChange
from drift.report import as_json, github, junit, sentences, text, words
from drift.report.formats import FORMATS
from drift.report.results import ImageResult
from support import report_samples as samples


@pytest.mark.parametrize("name", ["text", "json", "markdown", "html", "github", "junit"])
def test_every_format_ends_its_last_line_and_is_deterministic(name: str) -> None:
    once = FORMATS[name](samples.fleet())
    assert once == FORMATS[name](samples.fleet())
    assert once.endswith("\n")


def test_formats_are_loaded_when_used() -> None:
    code = "import sys, drift.report.formats; print('jinja2' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_text_says_first_what_matters_first() -> None:
    shown = text.render(samples.fleet())
    lines = shown.splitlines()
    images = lines[lines.index("  IMAGE   STATUS      WHAT") + 1 :][:5]
    assert images[2].startswith("! web     drifted     openssl 3.0.17-1~deb12u2")
    assert [line.split()[-1] for line in (images[0][:9], images[1][:9])] == ["db", "worker"]
    assert [line.split()[1] for line in images[3:]] == ["first", "equivalent"]
    assert lines[3:5] == lines[-2:], "the verdict comes first, and last where much is told"
    assert " ".join(lines[-2:]) == (
        "1 of 5 images drifted: debian:bookworm-slim was pushed anew, Debian's openssl moved, "
        "and 2 more changes; 1 does not build: worker; 1 could not be checked: db."
    )
    assert shown.index("external package") < shown.index("external base image"), "risk first"
    assert shown.index("external base image") < shown.index("unexplained file")
    assert "3.0.17-1~deb12u2 → 3.0.17-1~deb12u3" in shown
    assert "    | app.c:7: error: 'SSL_OLD' undeclared" in lines
    assert "npm: unknown:" in shown
    assert max(map(len, lines)) <= text.WIDTH


def test_text_has_colour_only_when_asked() -> None:
    assert "\x1b" not in text.render(samples.fleet())
    coloured = text.render(samples.fleet(), colour=True)
    assert re.sub(r"\x1b\[\d*m", "", coloured) == text.render(samples.fleet())
    assert coloured.count("\x1b[0m") * 2 == coloured.count("\x1b[")


def test_text_lists_every_path_when_full() -> None:
    assert "metadata_only /etc/ld.so.cache (mtime)" in text.render(samples.fleet(), full=True)
    assert "/etc/ld.so.cache" not in text.render(samples.fleet())


def test_wide_characters_keep_the_table_straight() -> None:
    lines = text.render(samples.document_of(samples.first("漢字漢字"), samples.first("ab"))).split(
        "\n"
    )
    assert lines[-3].startswith("  ab        first")
    assert lines[-2].startswith("  漢字漢字  first")


def test_json_is_the_document() -> None:
    document = samples.fleet()
    assert json.loads(as_json.render(document)) == document
    compact = as_json.render(document, compact=True)
    assert json.loads(compact) == document
    assert compact.count("\n") == 1


def test_annotations_stand_on_the_dockerfiles_lines() -> None:
    shown = github.render(samples.fleet(), dockerfiles={"web": "services/web,a/Dockerfile"})
    lines = shown.splitlines()
    assert lines[1] == (
        "::error file=services/web%2Ca/Dockerfile,line=6,title=web%3A external package::"
        "pkg:deb/debian/openssl 3.0.17-1~deb12u2 → 3.0.17-1~deb12u3%0A"
        "3 files, 6.4 MB, owned%0Arisk: setuid%0Arepo fingerprint unchanged%0A"
        "dpkg's database names all 3 files as openssl's or libssl3's"
    )
    assert "::warning title=db%3A unknown::registry.example.org: 429 Too Many Requests" in lines
    assert any(line.startswith("::notice file=") and "build config" in line for line in lines)
    assert "history.log" not in shown
    assert "title=api" not in shown


def test_annotations_are_ten_of_a_level_and_say_what_is_missing() -> None:
    document = samples.document_of(*(samples.broken(f"image{n}") for n in range(14)))
    lines = github.render(document).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert lines[9] == "::error title=drift::5 more are not shown here; the report has them all"


def test_junit_counts_failures_and_errors() -> None:
    root = ET.fromstring(junit.render(samples.fleet()).encode())
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "2", "1")
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {
        "web": ["failure"],
        "api": [],
        "worker": ["failure"],
        "db": ["error"],
        "batch": [],
    }


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (34_100_000, "34.1 MB")],
)
def test_sizes(number: int, shown: str) -> None:
    assert words.size(number) == shown


def test_a_quiet_fleet_is_said_to_be_quiet() -> None:
    assert (
        sentences.verdict(samples.document_of(samples.quiet()))
        == "1 of 1 the same; 1 timestamp ignored."
    )


@pytest.mark.parametrize("name", ["text", "json", "markdown", "html", "github", "junit"])
@pytest.mark.parametrize("make", [samples.fleet, samples.hostile_fleet])
def test_a_document_from_the_store_gives_the_same_report(
    make: Callable[[], dict[str, Any]], name: str
) -> None:
    stored = json.loads(json.dumps(make()))
    assert FORMATS[name](stored) == FORMATS[name](make())


def test_long_lists_are_cut_with_a_word_unless_full() -> None:
    names = [f"pkg:deb/debian/p{n:02}" for n in range(45)]
    causes = tuple(
        Cause(f"c{n}", Origin.EXTERNAL, Kind.PACKAGE, name, Grade.OWNED, "1", "2")
        for n, name in enumerate(names)
    )
    changes = tuple(PackageChange(name, "1", "2") for name in names)
    result = ImageResult(
        "web",
        Status.DRIFTED,
        True,
        comparison=Comparison(packages=changes),
        attribution=Attribution(causes),
    )
    document = samples.document_of(result)
    shown, full = text.render(document), text.render(document, full=True)
    assert "and 15 more causes; --full lists them" in shown
    assert "and 25 more; --full lists them" in shown
    told = full.partition("web: drifted")[2].partition("1 of 1 image drifted")[0]
    assert "more" not in told
    assert all(told.count(name) == 2 for name in names)


def test_noise_alone_reads_as_noise() -> None:
    cause = Cause("c1", Origin.NONDETERMINISM, Kind.LOG, "/var/log/x", Grade.INFERRED)
    noisy = dataclasses.replace(samples.quiet(), attribution=Attribution((cause,)))
    image = samples.document_of(noisy)["images"][0]
    assert sentences.headline(image) == "only noise: log"


@pytest.mark.parametrize("name", ["text", "markdown", "html", "github"])
@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (Status.DRIFTED, "The images are different."),
        (Status.EQUIVALENT, "The images are equivalent."),
        (Status.IDENTICAL, "The images are identical."),
    ],
)
def test_two_images_alone_are_told_as_such(name: str, status: Status, sentence: str) -> None:
    report = FORMATS[name](samples.diff(status))
    assert sentence in report
    assert "external" not in re.sub(r"(?s)<style>.*?</style>", "", report)


def test_packages_that_could_not_be_read_are_not_counted_as_no_change() -> None:
    document = samples.document_of(samples.drifted())
    packages = document["images"][0]["packages"]
    packages.update(added=[], removed=[], changed=[], unknown={"deb": "damaged"})
    shown = text.render(document)
    assert "  packages\n    deb: unknown: damaged\n" in shown
    assert "0 changes" not in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("sha256:" + "ab" * 32, "sha256:abababababab"),
        ("ab" * 20, "abababababab"),
        ("ab" * 19, "ab" * 19),
        ("3.0.17-1~deb12u2", "3.0.17-1~deb12u2"),
    ],
)
def test_digests_and_commits_are_shortened_and_nothing_else(value: str, shown: str) -> None:
    assert words.short(value) == shown


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_a_line_whose_instruction_could_not_be_parsed_is_named_alone(name: str) -> None:
    document = samples.document_of(samples.broken())
    for build in document["images"][0]["builds"]:
        build["failure"].update(instruction={"stage": None, "line": 3, "text": ""})
    shown = FORMATS[name](document)
    assert "line 3" in shown
    assert not re.search(r"line 3:( ``|$)|<code></code>", shown, re.MULTILINE)
