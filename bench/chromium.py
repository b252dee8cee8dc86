"""The system's Chromium, driven by Playwright, for what only a browser can tell."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
MISSING = "no Chromium: install chromium or set CHROMIUM_PATH"


def find_chromium() -> str | None:
    """Path of a Chromium: CHROMIUM_PATH, or one of its names on PATH."""
    named = os.environ.get("CHROMIUM_PATH")
    if named and os.access(named, os.X_OK):
        return named
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A running browser without a window. Raises SystemExit where there is none."""
    path = find_chromium()
    if path is None:
        raise SystemExit(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
