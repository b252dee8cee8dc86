"""A visit to the site that notes whatever a visit must not have: errors, warnings, other origins."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Request

ROW = ".ag-center-cols-container .ag-row"
SIZES = {"desk": (1440, 900), "wall": (1920, 1080), "phone": (390, 844)}


class Visit:
    """One page in its own context. `complaints` is what the console said and what was asked elsewhere."""

    def __init__(self, browser: Browser, url: str, *, size: str = "desk", **context: Any) -> None:
        width, height = SIZES[size]
        self._context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page: Page = self._context.new_page()
        self.url = url
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("request", self._request)

    def __enter__(self) -> "Visit":
        self.page.goto(self.url)
        self.page.wait_for_selector("#clock:has-text('UTC')")
        return self

    def __exit__(self, *_error: object) -> None:
        self._context.close()

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def _request(self, request: Request) -> None:
        self.requested.append(request.url)
        if not request.url.startswith((self.url, "data:")):
            self.complaints.append(f"other origin: {request.url}")

    def cell(self, instrument: str, column: str) -> str:
        """The selector of one cell."""
        return f'.ag-row[row-id="{instrument}"] .ag-cell[col-id="{column}"]'

    def text(self, instrument: str, column: str) -> str:
        """What one cell says."""
        return self.page.inner_text(self.cell(instrument, column))

    def wait_for_change(self, instrument: str, column: str) -> str:
        """Wait until one cell says something else; returns that."""
        before = self.text(instrument, column)
        self.page.wait_for_function(
            "([selector, before]) => document.querySelector(selector).innerText !== before",
            arg=[self.cell(instrument, column), before],
        )
        return self.text(instrument, column)

    def order(self) -> list[str]:
        """Ids of the rows from top to bottom."""
        rows = self.page.query_selector_all(ROW)
        found = [(int(r.get_attribute("row-index") or 0), r.get_attribute("row-id") or "") for r in rows]
        return [row_id for _, row_id in sorted(found)]

    def theme(self) -> str | None:
        """dark or light."""
        return self.page.get_attribute("html", "data-bs-theme")

    def screenshot(self, folder: Path, name: str) -> bytes:
        """Keep a picture of what is seen."""
        return self.page.screenshot(path=folder / f"{name}.png")
