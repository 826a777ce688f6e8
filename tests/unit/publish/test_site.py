"""The report directory: what is written, what is kept, and what is refused."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Set
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest

from drift.errors import ReportError
from drift.publish import site
from drift.report.document import image_document
from drift.report.pages import image
from drift.report.words import Part
from drift.store.store import Store
from support import report_samples as samples
from support.site_samples import Site, files, logs_of, run_id

WEB = image_document(samples.drifted())
QUIET = image_document(samples.quiet())
RUN = f"runs/{run_id(samples.NIGHT)}"


def test_a_run_is_written_with_its_logs_and_as_the_newest(tmp_path: Path) -> None:
    made = Site(tmp_path, ["web", "api"])
    document = made.night([WEB, QUIET])
    fleet = {"index.html", "summary.html", "badge.svg", "feed.xml", "drift.json"}
    latest = {"latest/index.html", "latest/web.html", "latest/api.html"}
    nights = {"images/web.html", "images/api.html"}
    pages = {f"{RUN}/{name}" for name in ("index.html", "web.html", "api.html", "drift.json")}
    logs = {f"{RUN}/{name}.log" for name in ("web.nightly", "web.control", "api.nightly")}
    assert files(made.reports) == fleet | latest | nights | pages | logs
    assert json.loads((made.reports / "drift.json").read_bytes()) == document
    assert json.loads((made.reports / RUN / "drift.json").read_bytes()) == document
    assert (made.reports / RUN / "web.html").stat().st_mode & 0o777 == 0o644


def test_every_link_leads_to_what_is_there(tmp_path: Path) -> None:
    made = Site(tmp_path, ["web", "api", "worker"])
    broken = image_document(samples.broken())
    made.night([WEB, QUIET, broken], samples.EARLIER)
    made.night([WEB, QUIET, broken])
    pages = list(made.reports.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        text = page.read_text()
        for link in re.findall(r'href="([^"#]+)', text):
            if not link.startswith(("data:", "https:")):
                there = unquote(urljoin(page.as_uri(), link)).removeprefix("file://")
                assert Path(there).is_file(), f"{page}: {link}"
        for anchor in re.findall(r'href="#([^"]+)', text):
            assert f'id="{anchor}"' in text, f"{page}: #{anchor}"


def test_images_that_need_the_same_share_a_line(tmp_path: Path) -> None:
    names = [f"web-{number:02}" for number in range(30)]
    made = Site(tmp_path, [*names, "db"])
    unknown = image_document(samples.unknown())
    made.night([*({**WEB, "name": name} for name in names), unknown])
    index = (made.reports / "index.html").read_text()
    needs = index.partition('<ul class="needs">')[2].partition("</ul>")[0]
    assert needs.count("<li>") == 2
    assert needs.index(">db</strong>") < needs.index(">web-00</strong>")
    assert 'the same in <a href="runs/' in needs
    assert ">web-12</a> and 17 more" in needs


def test_what_belongs_to_a_run_never_changes(tmp_path: Path) -> None:
    made = Site(tmp_path, ["web"])
    first = made.night([WEB])
    page = made.reports / RUN / "web.html"
    page.write_text("as it was")
    with Store.open(made.config.store.url) as store:
        site.write(first, {}, store, made.config)
    assert page.read_text() == "as it was"
    second = made.night([WEB], number=1)
    assert page.read_text() == "as it was"
    assert (made.reports / f"runs/{second['run']['id']}/web.html").is_file()


def test_an_older_night_does_not_become_the_newest(tmp_path: Path) -> None:
    made = Site(tmp_path, ["web", "api"])
    newer = made.night([WEB])
    older = made.night([QUIET], samples.EARLIER)
    assert json.loads((made.reports / "drift.json").read_bytes()) == newer
    assert (made.reports / f"runs/{older['run']['id']}/api.html").is_file()
    assert (made.reports / "images/api.html").is_file()


def test_a_run_of_one_image_leaves_the_others_of_the_night_on_the_index(tmp_path: Path) -> None:
    made = Site(tmp_path, ["web", "api", "gone"])
    made.night([image_document(samples.quiet("gone"))], samples.EARLIER)
    earlier = made.night([WEB, QUIET])
    later = made.night([QUIET], number=1)
    index = (made.reports / "index.html").read_text()
    assert f'href="runs/{earlier["run"]["id"]}/web.html"' in index
    assert f'href="runs/{later["run"]["id"]}/api.html"' in index
    assert f"not built tonight; last on {samples.EARLIER}: equivalent" in index


def test_pages_of_old_runs_are_removed_and_their_nights_stay_in_the_calendar(
    tmp_path: Path,
) -> None:
    made = Site(tmp_path, ["web"], '[report]\nkeep = "10d"\n')
    old, recent = samples.NIGHT - timedelta(days=11), samples.NIGHT - timedelta(days=9)
    for night in (old, recent, samples.NIGHT):
        made.night([WEB], night)
    left = {path.name for path in (made.reports / "runs").iterdir()}
    assert left == {run_id(recent), run_id(samples.NIGHT)}
    nights = (made.reports / "images/web.html").read_text()
    assert f'id="{old}"' in nights
    assert f"runs/{run_id(old)}" not in nights
    assert f"runs/{run_id(recent)}/web.html" in nights


def test_the_whole_site_can_be_written_again_from_the_store(tmp_path: Path) -> None:
    made = Site(tmp_path, ["web", "api"])
    for night in (samples.EARLIER, samples.NIGHT):
        made.night([WEB, QUIET], night, logs=False)
    before = {name: (made.reports / name).read_bytes() for name in files(made.reports)}
    for name in before:
        (made.reports / name).unlink()
    with Store.open(made.config.store.url) as store:
        assert site.write_anew(store, made.config) == made.reports / "index.html"
    after = {name: (made.reports / name).read_bytes() for name in files(made.reports)}
    assert after == before


def test_pages_of_runs_that_are_there_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Site(tmp_path, ["web", "api"])
    made.night([WEB, QUIET])
    lost = made.reports / RUN / "api.html"
    lost.unlink()
    shown: list[str] = []
    render = image.render

    def noted(document: Part, of: Part, logs: Set[str]) -> image.Page:
        shown.append(of["name"])
        return render(document, of, logs)

    monkeypatch.setattr(image, "render", noted)
    with Store.open(made.config.store.url) as store:
        site.write_anew(store, made.config)
    assert shown == ["api"]
    assert lost.is_file()


def test_the_feed_and_the_badge_are_xml_that_say_the_same(tmp_path: Path) -> None:
    made = Site(tmp_path, ["web", "evil"], '[report]\nurl = "https://example.org/drift"\n')
    made.night([WEB, image_document(samples.hostile())])
    feed = ET.parse(made.reports / "feed.xml").getroot()
    atom = "{http://www.w3.org/2005/Atom}"
    titles = [entry.findtext(f"{atom}title") for entry in feed.iter(f"{atom}entry")]
    assert "Debian's openssl moved" in titles
    assert {child.tag for child in feed.iter()} <= {
        atom + name
        for name in (
            *("feed", "title", "id", "updated", "author", "name", "link", "entry", "category"),
            "summary",
        )
    }
    links = {link.get("href") for link in feed.iter(f"{atom}link")}
    assert all(link and link.startswith("https://example.org/drift/index.html") for link in links)
    badge = ET.parse(made.reports / "badge.svg").getroot()
    assert badge.get("aria-label") == "drift: 2 of 2 flagged"


def test_logs_do_not_show_what_has_a_secret_name(tmp_path: Path) -> None:
    made = Site(tmp_path, ["web"])
    made.night([WEB])
    log = (made.reports / RUN / "web.nightly.log").read_text()
    assert "ENV API_TOKEN=***" in log


@pytest.mark.parametrize("run", ["../x", "", ".", "..", "a/b", "a\0b", "-x"])
def test_a_run_id_cannot_lead_away(tmp_path: Path, run: str) -> None:
    document = samples.document_of(samples.first())
    document["run"]["id"] = run
    with pytest.raises(ReportError, match="unsafe"):
        site.write_run(document, {}, tmp_path / "reports")
    assert files(tmp_path) == set()


@pytest.mark.parametrize("log", ["../../etc/passwd", "/etc/x.log", "runs/other/web.log"])
def test_a_log_cannot_lead_away(tmp_path: Path, log: str) -> None:
    document = samples.document_of(samples.first())
    document["images"][0]["builds"][0]["log"] = log
    with pytest.raises(ReportError, match="unsafe"):
        site.write_run(document, logs_of(document), tmp_path)
    assert files(tmp_path) == set()


def test_a_failed_write_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Site(tmp_path, ["web"])
    made.night([WEB])
    before = {name: (made.reports / name).read_bytes() for name in files(made.reports)}

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError, match="No space left"):
        made.night([WEB], number=1)
    assert {name: (made.reports / name).read_bytes() for name in files(made.reports)} == before
