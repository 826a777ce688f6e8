"""Photographs of the site, at three widths, light and dark: ``make screenshots``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

from support import report_samples as samples
from support import showcase
from support.browser import browser
from support.site_samples import Site, run_id

Scheme = Literal["light", "dark"]
WIDTHS = {"phone": 390, "tablet": 820, "wide": 1440}
_RUN = f"runs/{run_id(samples.NIGHT)}"
PAGES = {
    "index": "index.html",
    "image": f"{_RUN}/web.html",
    "broken": f"{_RUN}/worker.html",
    "many": f"{_RUN}/many.html",
    "nights": "images/web.html",
    "summary": "summary.html",
}
_NOW = "2026-11-23T09:12:00Z"


def photograph(running: Browser, site: Site, into: Path) -> Iterator[Path]:
    """Every page at every width, whole; gives the places of the pictures."""
    schemes: tuple[Scheme, Scheme] = ("light", "dark")
    for scheme in schemes:
        for size, width in WIDTHS.items():
            for name, place in PAGES.items():
                picture = into / f"{name}-{size}-{scheme}.png"
                shot(running, site, place, picture, width, scheme)
                yield picture


def shot(
    running: Browser, site: Site, place: str, picture: Path, width: int, scheme: Scheme,
    height: int | None = None,
) -> None:  # fmt: skip
    """One page; without a height all of it."""
    page = running.new_page(
        viewport={"width": width, "height": height or 900}, color_scheme=scheme,
        reduced_motion="reduce",
    )  # fmt: skip
    page.clock.set_fixed_time(_NOW)
    page.goto(f"{site.reports.as_uri()}/{place}")
    page.screenshot(path=picture, full_page=height is None)
    page.close()


def main(into: Path, docs: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    docs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, browser() as running:
        root = Path(directory)
        site = showcase.make(root / "everything")
        for picture in photograph(running, site, into):
            print(picture)
        calm = showcase.make(root / "fleet", strangers=False)
        shot(running, calm, PAGES["index"], docs / "index.png", 1280, "light", 1240)
        shot(running, calm, PAGES["image"], docs / "image.png", 1280, "dark", 1240)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
