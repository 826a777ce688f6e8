"""The site in a real browser, from ``file://`` and from a server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from drift.demo.servers import web_server
from support import report_samples as samples
from support import showcase
from support.browser import Listener, axe_core, browser
from support.site_samples import Site, run_id

RUN = f"runs/{run_id(samples.NIGHT)}"
IMAGES = ("web", "worker", "db", "many", "evil", "cache")
PAGES = (
    *("index.html", "summary.html", "images/web.html"),
    *(f"{RUN}/{name}.html" for name in ("index", *IMAGES)),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return showcase.make(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module", params=["file", "server"])
def root(site: Site, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the site is opened, with a slash at the end."""
    if request.param == "file":
        yield f"{site.reports.as_uri()}/"
        return
    with web_server(site.reports, 0) as url:
        yield f"{url}/"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("place", PAGES)
def test_a_page_opens_without_an_error_or_a_request_elsewhere(
    page: Page, root: str, place: str
) -> None:
    heard = Listener(page)
    page.goto(root + place)
    expect(page.locator("h1")).to_be_visible()
    assert heard.errors == []
    assert heard.dialogs == []
    assert [url for url in heard.requests if not url.startswith((root, "data:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", PAGES)
def test_axe_finds_nothing_serious(chromium: Browser, site: Site, place: str, scheme: str) -> None:
    # axe is put into the page, which the page's own policy would not allow.
    context = chromium.new_context(bypass_csp=True, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{site.reports.as_uri()}/{place}")
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate(axe_core())
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(found => found.violations)")
    context.close()
    told = [
        (v["id"], [node["html"][:200] for node in v["nodes"]][:3])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert told == []


def test_the_index_filters_and_sorts(page: Page, root: str) -> None:
    page.goto(f"{root}index.html")
    rows = page.locator("#image-rows tr")
    expect(rows).to_have_count(9)
    page.keyboard.press("/")
    page.keyboard.type("drifted openssl")
    expect(rows.locator("visible=true").first).to_contain_text("openssl")
    expect(page.locator(".filter [role=status]").last).to_have_text(re.compile(r"^[23] of 9$"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="broken", exact=True).click()
    shown = page.locator("#image-rows tr:not([hidden]) th")
    expect(shown).to_have_text(["worker"])
    page.get_by_role("button", name="broken", exact=True).click()
    page.get_by_role("button", name="Image", exact=True).click()
    # Not their inner texts: rows that are off the screen are not laid out, and have none.
    names = page.locator("#image-rows th").all_text_contents()
    assert names == sorted(names)
    expect(page.locator("th[aria-sort=ascending]")).to_have_count(1)
    page.get_by_role("button", name="Status", exact=True).click()
    assert page.locator("#image-rows th").all_text_contents()[:2] == ["db", "worker"], "by urgency"
    page.get_by_role("button", name="Status", exact=True).click()
    assert page.locator("#image-rows th").all_text_contents()[-2:] == ["worker", "db"]


def test_the_index_reads_in_the_readers_order(page: Page, root: str) -> None:
    page.goto(f"{root}index.html")
    heads = page.locator("h2").all_inner_texts()
    wanted = ["What needs you", "What moved", "Images", "Tolerated"]
    assert [next(w for w in wanted if head.startswith(w)) for head in heads] == wanted
    needing = page.locator(".needs strong").all_inner_texts()
    assert needing[:2] == ["db", "worker"], "unknown first, then broken"
    assert page.title().startswith("✗ ")
    assert page.locator("link[rel=icon]").get_attribute("href", timeout=1000)


def test_a_night_of_a_strip_leads_to_its_row(page: Page, root: str) -> None:
    page.goto(f"{root}index.html")
    strip = page.locator("tr", has_text="openssl").locator(".strip").first
    strip.locator("i").nth(-2).click()
    page.wait_for_url(re.compile(rf"images/\w+\.html#{samples.EARLIER}$"))
    expect(page.locator(f"[id='{samples.EARLIER}']")).to_be_in_viewport()


def test_what_is_old_says_how_old(page: Page, root: str) -> None:
    page.clock.install(time="2026-11-25T09:00:00Z")
    page.goto(f"{root}index.html")
    expect(page.locator("time.age")).to_contain_text("2 days ago")
    expect(page.locator("time.age")).to_have_class(re.compile("old"))


def test_packages_sort_and_filter(page: Page, root: str) -> None:
    page.goto(f"{root}{RUN}/web.html")
    rows = page.locator("#package-rows tr")
    page.get_by_role("button", name="Step").click()
    steps = page.locator("#package-rows td:nth-child(4)").all_inner_texts()
    assert steps == sorted(steps)
    assert "revision" in steps
    page.locator("[data-filter=package-rows]").fill("libssl")
    expect(rows.locator("visible=true")).to_have_count(1)


def test_paths_fold_and_unfold(page: Page, root: str) -> None:
    page.goto(f"{root}{RUN}/web.html")
    leaf = page.locator("#path-tree .f", has_text="libssl.so.3")
    expect(leaf).to_be_hidden()
    page.get_by_role("button", name="Unfold all").click()
    expect(leaf).to_be_visible()
    page.get_by_role("button", name="Fold all", exact=True).click()
    expect(leaf).to_be_hidden()


def test_a_diff_of_a_small_text_is_shown(page: Page, root: str) -> None:
    page.goto(f"{root}{RUN}/web.html#path=/etc/app/rules.json")
    row = page.locator(".f.here")
    row.get_by_text("diff").click()
    expect(row.locator(".diff")).to_contain_text('+    "192.0.2.0/24"')


def test_a_search_finds_what_the_page_does_not_hold(page: Page, root: str) -> None:
    heard = Listener(page)
    page.goto(f"{root}{RUN}/many.html")
    assert not [url for url in heard.requests if url.endswith(".js")], "only on demand"
    assert page.locator("#path-tree .f").count() == 2000
    page.locator("#path-search").fill("file-00007.so")
    expect(page.locator("#path-found .f")).to_have_count(1)
    expect(page.locator("#path-found code")).to_have_text("/opt/app/part07/file-00007.so")
    page.locator("#path-search").fill("part0")
    expect(page.locator("#path-status")).to_have_text("700 paths, the first 300 shown")
    page.locator("#path-search").fill("")
    expect(page.locator("#path-tree")).to_be_visible()
    assert heard.errors == []


def test_links_lead_to_a_cause_a_line_and_a_path(page: Page, root: str) -> None:
    page.goto(f"{root}{RUN}/web.html#cause-c5")
    expect(page.locator("#cause-c5")).to_be_in_viewport()
    page.goto(f"{root}{RUN}/web.html#line-6")
    expect(page.locator("#line-6")).to_be_in_viewport()
    expect(page.locator("#line-6")).to_have_class("guilty")
    expect(page.locator("#line-7")).to_have_class("guilty")
    page.goto(f"{root}{RUN}/web.html#path=/usr/bin/openssl")
    expect(page.locator(".f.here")).to_contain_text("openssl")
    expect(page.locator(".f.here")).to_be_in_viewport()


def test_a_link_to_a_path_that_is_not_here_gives_the_command(page: Page, root: str) -> None:
    page.goto(f"{root}{RUN}/many.html#path=/opt/it's%20<b>here</b>")
    said = page.locator("#not-here")
    expect(said).to_contain_text("drift explain many '/opt/it'\"'\"'s <b>here</b>'")
    page.evaluate("location.hash = '#path=/opt/app/part49/file-03499.so'")
    expect(said).to_be_hidden()


def test_lines_are_copied(chromium: Browser, root: str) -> None:
    context = chromium.new_context()
    if root.startswith("http"):
        context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{root}{RUN}/web.html")
    box = page.locator(".copyable", has_text="openssl=3.0.17-1~deb12u3").first
    box.get_by_role("button").click()
    expect(box.get_by_role("button")).to_have_text("Copied")
    if root.startswith("http"):
        assert page.evaluate("navigator.clipboard.readText()") == "openssl=3.0.17-1~deb12u3"
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_systems_scheme(chromium: Browser, site: Site, scheme: str) -> None:
    page = chromium.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{site.reports.as_uri()}/index.html")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(re.findall(r"\d+", colour)[0])
    page.close()
    assert red > 200 if scheme == "light" else red < 60


@pytest.mark.parametrize("width", [360, 768, 1600])
@pytest.mark.parametrize("place", PAGES)
def test_no_page_is_wider_than_the_screen(
    chromium: Browser, site: Site, place: str, width: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(f"{site.reports.as_uri()}/{place}")
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.close()
    assert over <= 0


def test_it_prints(page: Page, site: Site, tmp_path: Path) -> None:
    page.goto(f"{site.reports.as_uri()}/{RUN}/web.html")
    page.emulate_media(media="print")
    expect(page.locator(".filter").first).to_be_hidden()
    printed = page.pdf(path=tmp_path / "web.pdf")
    assert printed.startswith(b"%PDF")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.step:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.step:not([open])").count() > 0


def test_the_keyboard_is_enough(page: Page, root: str) -> None:
    page.goto(f"{root}{RUN}/web.html")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.tagName")
    assert focused in ("SUMMARY", "A")
    page.locator("details.step:not([open]) summary").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Package", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#packages ~ .scroll th[aria-sort]")).to_have_count(1)
    page.keyboard.press("/")
    expect(page.locator("#path-search")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_without_script_all_that_the_page_holds_can_be_read(chromium: Browser, root: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{root}index.html")
    assert page.locator("#image-rows tr").count() == 9
    expect(page.locator("time.age")).to_contain_text("2026-11-23 02:37:00 UTC")
    expect(page.locator("input, button").locator("visible=true")).to_have_count(0)
    page.goto(f"{root}{RUN}/many.html")
    expect(page.locator("#paths")).to_contain_text("1,500 more paths are cut from it")
    page.locator("#path-tree summary").first.click()
    page.locator("#path-tree summary").nth(1).click()
    expect(page.locator("#path-tree .f").locator("visible=true").first).to_be_visible()
    context.close()


@pytest.mark.parametrize("place", ["index.html", "summary.html", f"{RUN}/evil.html",
                                   f"{RUN}/index.html", "images/evil.html"])  # fmt: skip
def test_strangers_leave_nothing_active(page: Page, root: str, place: str) -> None:
    heard = Listener(page)
    page.goto(root + place)
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert heard.dialogs == []
    assert heard.errors == []
    assert page.locator("img, iframe, object, embed, form, base, [onerror], [onclick]").count() == 0
    assert page.locator("script").count() <= 1
    hrefs = page.locator("a").evaluate_all("links => links.map(link => link.href)")
    docs = "https://imagedrift."
    assert all(href.startswith((root, docs, "https://github.com/example/")) for href in hrefs), (
        hrefs
    )
    text = page.locator("body").inner_text()
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200f\u202e\u2066\ufffe]", text)
    if "evil" in place and "images" not in place:
        assert "<script>alert(1)</script>" in text


def test_what_has_a_secret_name_is_nowhere(site: Site) -> None:
    for path in site.reports.rglob("*"):
        if path.is_file():
            assert b"never-shown" not in path.read_bytes(), path
            assert b"hunter2" not in path.read_bytes(), path


def test_redirects_lead_to_the_newest_run(page: Page, root: str) -> None:
    page.goto(f"{root}latest/web.html")
    page.wait_for_url(f"{root}{RUN}/web.html")
    page.goto(f"{root}latest/index.html")
    page.wait_for_url(f"{root}{RUN}/index.html")


def test_two_thousand_rows_are_there_within_a_second_on_a_slow_machine(
    page: Page, site: Site
) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(f"{site.reports.as_uri()}/{RUN}/many.html")
    timing = json.loads(page.evaluate("JSON.stringify(performance.getEntriesByType('navigation'))"))
    assert timing[0]["domInteractive"] < 3000  # one second where nothing else runs: bench/pages.py
