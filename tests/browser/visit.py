"""A visit to the site that notes whatever a visit must not have: errors, warnings, other origins."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request

ROW = ".ag-center-cols-container .ag-row"
PAGES_OF_NOBODY = 1
"""A profile opens with an empty page."""
SIZES = {"desk": (1440, 900), "wall": (1920, 1080), "phone": (390, 844)}


class Visit:
    """One page of somebody who was never here.

    `complaints`: what the console said and what was asked elsewhere. It is opened in the browser's profile,
    whose cache is warm, and what it stored is deleted at the end; in a context of its own with `is_cold`,
    where another visit lasts there, and where `context` asks for it.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        size: str = "desk",
        is_cold: bool = False,
        color_scheme: Any = None,
        reduced_motion: Any = None,
        **context: Any,
    ) -> None:
        profile = browser.contexts[0]
        self._is_own = is_cold or bool(context) or len(profile.pages) > PAGES_OF_NOBODY
        self._context = browser.new_context(**context) if self._is_own else profile
        self.page: Page = self._context.new_page()
        width, height = SIZES[size]
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
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
        if self._is_own:
            self._context.close()
            return
        for page in self._context.pages[PAGES_OF_NOBODY:]:
            page.close()
        session = self._context.new_cdp_session(self._context.pages[0])
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        session.send(
            "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage,cookies"}
        )
        session.detach()

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

    def schemes(self) -> Iterator[str]:
        """Dark, then light, as the system has it: what is shown follows at once."""
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)
            self.page.wait_for_selector(f"html[data-bs-theme='{scheme}']")
            yield scheme

    def cut_off(self, selector: str, spare: int = 0) -> list[str]:
        """The texts of these elements whose content is wider than they are, by more than `spare` px."""
        texts = "(all, px) => all.filter(e => e.scrollWidth > e.clientWidth + px).map(e => e.innerText)"
        return list(self.page.eval_on_selector_all(selector, texts, spare))

    def shift(self) -> float:
        """How much of what was seen has moved by itself so far: the layout shifts, summed."""
        found: float = self.page.evaluate(
            """() => new Promise(done => new PerformanceObserver(list => done(
                list.getEntries().reduce((sum, entry) => sum + entry.value, 0)
            )).observe({type: 'layout-shift', buffered: true}) || setTimeout(() => done(0), 300))"""
        )
        return found

    def screenshot(self, folder: Path, name: str) -> bytes:
        """Keep a picture of what is seen."""
        return self.page.screenshot(path=folder / f"{name}.png")
