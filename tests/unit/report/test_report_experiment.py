"""What readers are told of an experiment: builds and their reasons, noise folded, the known."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from drift.attribute.model import Accepted, Attribution, Cause, Grade, Kind, Origin
from drift.report import causes, github, html, junit, markdown, sentences, text, words
from drift.report.document import image_document
from drift.report.formats import FORMATS
from support import report_samples as samples
from support.conformance import assert_conforms

FORMATS_READ = ("text", "markdown", "html")


def document_with(*found: Cause) -> dict[str, Any]:
    result = dataclasses.replace(samples.quiet(), attribution=Attribution(found))
    return samples.document_of(result)


def test_the_documents_conform() -> None:
    document = samples.experiments()
    assert_conforms(document)
    cache = document["images"][1]
    assert (cache["status"], cache["origins"]) == ("equivalent", ["nondeterminism"])
    assert document["summary"]["origins"]["nondeterminism"] == 2
    assert document["images"][2]["causes"][0]["accepted"] == {
        "until": "2026-12-31",
        "reason": "security update, reviewed",
    }


@pytest.mark.parametrize("form", list(FORMATS))
def test_a_stored_night_from_before_there_were_accept_rules_is_shown(form: str) -> None:
    document = samples.experiments()
    for image in document["images"]:
        for cause in image["causes"]:
            del cause["accepted"]
    assert_conforms(document)
    assert "openssl" in FORMATS[form](document)


@pytest.mark.parametrize("form", FORMATS_READ)
def test_every_build_has_its_role_and_reason(form: str) -> None:
    shown = FORMATS[form](samples.experiments())
    assert "nightly again" in shown
    assert "control" in shown
    assert "the first build failed: does it fail again?" in shown
    assert "nightly build failed, and succeeded when tried again" in shown


def test_one_build_of_a_night_is_nothing_to_tell_in_text_and_markdown() -> None:
    document = samples.document_of(samples.quiet())
    assert "builds (" not in text.render(document)
    assert "| Build |" not in markdown.render(document)
    assert "builds (1)" in text.render(document, full=True)


@pytest.mark.parametrize("form", FORMATS_READ)
def test_noise_is_counted_and_folded(form: str) -> None:
    shown = FORMATS[form](samples.document_of(samples.drifted()))
    assert "oise: 1 file (log)" in shown
    assert shown.index("instance-id") < shown.index("oise: 1 file (log)")


def test_an_image_of_noise_alone_is_one_line_of_text() -> None:
    shown = text.render(samples.document_of(samples.noisy()))
    assert "only noise: 4 files (log, bytecode, random content)" in shown
    assert "cache: equivalent" not in shown
    full = text.render(samples.document_of(samples.noisy()), full=True)
    assert "nondeterminism bytecode: /opt/app/__pycache__/app.pyc" in full
    assert "two builds of tonight's inputs differ in it" in full


def test_noise_says_how_sure_it_is() -> None:
    found = causes.noise(image_document(samples.noisy()))
    assert causes.grades_in_words(found) == "3 proven, 1 inferred"
    assert causes.grades_in_words(found[:1]) == "proven"


def test_noise_with_a_risk_is_told_like_any_other_cause() -> None:
    key = Cause("c1", Origin.NONDETERMINISM, Kind.RANDOM, "/bin/x", Grade.PROVEN, risk=("setuid",))
    shown = text.render(document_with(key))
    assert "nondeterminism random content: /bin/x" in shown
    assert "risk: setuid" in shown


@pytest.mark.parametrize("form", FORMATS_READ)
def test_what_is_accepted_is_shown_as_such(form: str) -> None:
    shown = FORMATS[form](samples.document_of(samples.known()))
    assert "accepted until 2026-12-31: security update, reviewed" in shown
    assert "3.0.17-1~deb12u3 (accepted)" in shown


def test_an_accepted_cause_is_a_notice_though_the_image_is_flagged() -> None:
    known = samples.known()
    assert known.attribution is not None
    (accepted,) = known.attribution.causes
    other = dataclasses.replace(accepted, id="c2", subject="pkg:deb/debian/curl", accepted=None)
    found = dataclasses.replace(known.attribution, causes=(accepted, other))
    flagged = dataclasses.replace(known, flagged=True, attribution=found)
    lines = github.render(samples.document_of(flagged)).splitlines()
    assert lines[0].startswith("::error title=mail%3A external package::pkg:deb/debian/curl")
    assert lines[1].startswith("::notice title=mail%3A external package::pkg:deb/debian/openssl")
    assert "accepted until 2026-12-31" in lines[1]
    told = junit.render(samples.document_of(flagged))
    assert "accepted until 2026-12-31: security update, reviewed" in told


@pytest.mark.parametrize("form", FORMATS_READ)
def test_a_cause_names_the_other_images_of_its_event(form: str) -> None:
    shown = FORMATS[form](samples.document_of(samples.drifted("web"), samples.known("mail")))
    assert "also in" in shown
    alone = FORMATS[form](samples.document_of(samples.drifted("web"), samples.quiet()))
    assert "also in" not in alone


def test_order_is_noise_last_then_accepted_then_origin_risk_and_weight() -> None:
    def cause(number: int, **more: Any) -> Cause:
        base = Cause(f"c{number}", Origin.EXTERNAL, Kind.FILE, str(number), Grade.PROVEN)
        return dataclasses.replace(base, **more)

    ordered = (
        cause(1, risk=("setuid",)),
        cause(2),
        cause(3, origin=Origin.UNEXPLAINED, risk=("setuid",)),
        cause(4, origin=Origin.REPO),
        cause(5, accepted=Accepted(samples.NIGHT, "")),
        cause(6, origin=Origin.NONDETERMINISM, kind=Kind.LOG),
    )
    for shuffled in itertools.permutations(ordered):
        (image,) = document_with(*shuffled)["images"]
        assert [c["id"] for c in causes.by_urgency(image["causes"])] == [c.id for c in ordered]
        assert [c["id"] for c in causes.told(image)] == [c.id for c in ordered[:-1]]


def test_every_origin_and_grade_has_a_meaning() -> None:
    assert set(words.MEANINGS) == {*(o.value for o in Origin), *(g.value for g in Grade)}
    page = html.render(samples.document_of(samples.drifted()))
    assert 'title="a package database owns the files"' in page
    assert 'title="the world changed"' in page


def test_an_equivalent_image_tells_tolerated_causes_before_noise() -> None:
    lists = Cause("c1", Origin.EXTERNAL, Kind.PACKAGE_INDEX, "apt", Grade.PROVEN)
    noise = Cause("c2", Origin.NONDETERMINISM, Kind.LOG, "/var/log/x", Grade.PROVEN)
    (image,) = document_with(noise, lists)["images"]
    assert sentences.headline(image) == "only package index apt; noise: log"
