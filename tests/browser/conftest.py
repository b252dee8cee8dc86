"""A real browser for these tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from bench.chromium import FLAGS, MISSING, find_chromium

FEW_PROCESSES = ["--disable-site-isolation-trials", "--renderer-process-limit=1", "--in-process-gpu"]
"""Tests look at one site, and nothing of it needs a process of its own: a sixth less to compute."""


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
            tmp_path_factory.mktemp("chromium"), executable_path=path, args=[*FLAGS, *FEW_PROCESSES]
        )
        assert context.browser is not None
        yield context.browser
        context.close()
