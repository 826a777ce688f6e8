"""A real browser for the pages: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    """The browser: ``DRIFT_TEST_BROWSER``, else the first that is installed."""
    named = os.environ.get("DRIFT_TEST_BROWSER")
    found = named or next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise FileNotFoundError("no browser: apt-get install chromium")
    return found


def axe_core() -> str:
    """The text of axe-core, as the package that carries it has it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without a window; it has no sandbox of its own, as tests may run as root."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=executable(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield running
        finally:
            running.close()


class Listener:
    """What a page complains of, and what it asks for."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._opened)
        page.on("request", lambda request: self.requests.append(request.url))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _opened(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()
