"""The page: valid nesting, nothing active, nothing loaded, whatever the images hold."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin, Status
from drift.compare.model import Comparison
from drift.report import html
from drift.report.document import image_document, run_document
from drift.report.listed import FILES_SHOWN
from drift.report.results import ImageResult
from support import report_samples as samples

VOID = {"meta", "br", "link", "input"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "article"),
    *("p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "span", "code", "pre", "a", "div"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
    *("link", "script", "label", "input", "button", "time"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "scope"),
    *("title", "tabindex", "aria-label", "aria-labelledby", "open", "rel", "role", "hidden"),
    *("type", "placeholder", "aria-keyshortcuts", "data-filter", "datetime"),
}


class Page(HTMLParser):
    """Fails on bad nesting; keeps tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.comments: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def links(page: Page) -> list[str | None]:
    """Where a page leads to; its icon is in the page itself."""
    found = [value for name, value in page.attributes if name == "href"]
    return [value for value in found if not (value or "").startswith("data:image/svg+xml")]


def test_hostile_text_is_only_text() -> None:
    report = html.render(samples.hostile_fleet(), root="", logs={"anything"})
    page = Page(report)
    assert page.tags <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert page.comments == []
    assert report.count("<script>") == 1, "drift's own"
    assert links(page) == ["#image-1"]
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200f\u202e\u2066\ufffe]", report)


def source(report: str, tag: str) -> str:
    """The source expression that allows the one style sheet or script of a page."""
    (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", report, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_drifts_style_and_script_and_nothing_else() -> None:
    for document in (samples.fleet(), samples.diff()):
        report = html.render(document)
        policy = (
            f"default-src 'none'; style-src {source(report, 'style')}; "
            f"script-src {source(report, 'script')} 'strict-dynamic'; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        )
        assert ("content", policy) in Page(report).attributes
        assert "url(" not in report


def test_what_to_do_first_can_be_copied() -> None:
    report = html.render(samples.fleet())
    assert report.count('class="copyable"') == 3, "the images that need somebody"
    assert '<code>drift check db</code></pre><button type="button" class="copy" hidden>' in report


def test_the_page_tells_what_the_night_was() -> None:
    text = " ".join(Page(html.render(samples.fleet())).text.split())
    assert "1 does not build: worker; 1 could not be checked: db." in text
    assert "external package pkg:deb/debian/openssl 3.0.17-1~deb12u2 → 3.0.17-1~deb12u3" in text
    assert "npm packages are unknown" in text
    assert "error: 'SSL_OLD' undeclared" in text
    assert "Named sources explain 97.8 % of the changed paths and 99.9 % of their bytes." in text


def test_logs_are_linked_only_where_they_are() -> None:
    document = samples.document_of(samples.first())
    build = document["images"][0]["builds"][0]
    linked = Page(html.render(document, root="../../", logs={build["build"]}))
    assert f"../../{build['log']}" in links(linked)
    assert links(Page(html.render(document))) == ["#image-1"]
    build["log"] = "javascript:alert(1)"
    assert links(Page(html.render(document, root="", logs={build["build"]}))) == ["#image-1"]


def test_a_large_cause_does_not_crowd_out_a_small_one() -> None:
    large = [samples.modified(f"/usr/{n:05}", 100_000 + n) for n in range(2500)]
    small = [samples.modified("/etc/passwd", 10)]
    causes = (
        Cause("c1", Origin.EXTERNAL, Kind.BASE_IMAGE, "debian:12", Grade.PROVEN),
        Cause("c2", Origin.UNEXPLAINED, Kind.FILE, "/etc/passwd", Grade.INFERRED),
    )
    paths = {c.path: "c1" for c in large} | {"/etc/passwd": "c2"}
    comparison = Comparison(files=tuple(sorted([*large, *small], key=lambda c: c.path)))
    reasons = Attribution(causes, paths)
    result = ImageResult("x", Status.DRIFTED, True, comparison=comparison, attribution=reasons)
    document = run_document(
        samples.run_of(),
        [image_document(result)],
    )
    report = html.render(document)
    assert report.count('class="change ') == FILES_SHOWN
    assert "<code>/etc/passwd</code>\n" in report
    assert "501 more paths not listed here" in report
    assert "1,999 paths of 2500" in report


def test_the_page_says_when_the_night_ended() -> None:
    document = samples.hostile_fleet()
    document["run"]["finished_at"] = "2026-11-23T02:37:00Z"
    assert '<time datetime="2026-11-23T02:37:00Z" class="age"' in html.render(document)
