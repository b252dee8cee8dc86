"""A visit to the Signals page."""

import csv
import io
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.signals_site import SignalsSite
from tests.browser.visit import Visit

ROWS = "#signals-past tbody tr.opens"


class SignalsVisit(Visit):
    """A visit to the page, at this query."""

    def __init__(self, browser: Browser, site: SignalsSite, query: str = "", **context: object) -> None:
        super().__init__(browser, site.url, **context)  # type: ignore[arg-type]  # size and Playwright's own
        self.query = query

    def __enter__(self) -> "SignalsVisit":
        self.page.goto(f"{self.url}signals{self.query}")
        self.page.wait_for_selector("#clock:has-text('UTC')")
        self.page.wait_for_function("() => tickdeck.signals.held() && tickdeck.signals.held().newest")
        return self

    def texts(self, selector: str) -> list[str]:
        """What these elements say."""
        return self.page.locator(selector).all_inner_texts()

    def column(self, frame: str, head: str) -> list[str]:
        """What a table says in the column with this head."""
        heads = self.texts(f"{frame} thead th")
        place = next(i for i, text in enumerate(heads) if text.startswith(head))
        return self.texts(f"{frame} tbody tr:not(.detail) > td:nth-child({place + 1})")

    def saved(self, part: str) -> tuple[str, list[dict[str, str]]]:
        """The name and the rows of the file that a part's button saves."""
        with self.page.expect_download() as found:
            self.page.click(f"[data-csv='{part}']")
        content = Path(found.value.path()).read_bytes().decode()
        return found.value.suggested_filename, list(csv.DictReader(io.StringIO(content, newline="")))
