"""The page that describes the API: from our own origin, under our policy, and calls can be tried."""

from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.browser.site import Site


def _elsewhere(url: str, here: str) -> list[str]:
    return [] if url.startswith((here, "data:")) else [url]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 390])
def test_a_call_can_be_tried(browser: Browser, scheme: Literal["dark", "light"], width: int) -> None:
    """Nothing is asked elsewhere or refused by the policy, in either theme and on a phone."""
    with Site() as site:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
        page, complaints = context.new_page(), list[str]()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.extend(_elsewhere(asked.url, site.url)))
        page.goto(f"{site.url}api/docs")
        block = page.locator("#operations-history-get_api_klines")
        block.locator(".opblock-summary-control").click()
        block.locator(".execute").click()
        reply = block.locator(".live-responses-table .response")
        assert reply.locator(".response-col_status").inner_text().startswith("200")
        assert '"next_cursor": null' in reply.inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("document.documentElement.classList.contains('dark-mode')") == (scheme == "dark")
        assert complaints == []
        context.close()
