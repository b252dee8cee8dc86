"""A real browser for these tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from bench.chromium import FLAGS, MISSING, find_chromium

ONE_SITE = ["--disable-site-isolation-trials", "--renderer-process-limit=1"]
"""Tests look at one site: a page needs no process of its own."""


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The system's Chromium, driven by Playwright.

    Its first context is that of a profile, which keeps what was fetched and compiled: half of what it takes
    to open a page. One for this folder alone: while it is open asyncio has a running loop, and other tests
    stumble over that.
    """
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"), executable_path=path, args=[*FLAGS, *ONE_SITE]
        )
        assert context.browser is not None
        yield context.browser
        context.close()
