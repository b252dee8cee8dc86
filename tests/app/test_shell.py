"""The frame of every page."""

from typing import Any

from app import shell
from app.view import MarketView, Notice, build_view, read_feed
from tests.app.fakes import LIVE_FEED, NOW


def view(*notices: Notice) -> MarketView:
    feeds = {"bybit": read_feed(LIVE_FEED), "binance": read_feed({})}
    return build_view(NOW, [], feeds, notices)


def texts(component: Any) -> list[str]:
    """Every piece of text of a component, in order."""
    if component is None:
        return []
    if isinstance(component, str):
        return [component]
    parts = component if isinstance(component, list) else [getattr(component, "children", None)]
    return [text for part in parts for text in texts(part)]


def test_the_first_paint_has_feeds_and_notices() -> None:
    """Nothing has to be fetched before one knows that data is simulated and a venue down."""
    found = texts(shell.layout(view(Notice("simulated", "SIMULATED DATA")), {}, 1000))
    assert "SIMULATED DATA" in found
    assert found[found.index("bybit") + 1] == " live"
    assert found[found.index("binance") + 1] == " down"


def test_a_shell_needs_no_plotly() -> None:
    """Its parts are plain HTML; charts load with the pages that have them."""
    assert "Graph" not in str(shell.layout(view(), {}, 1000).to_plotly_json())


def test_a_page_is_found_by_its_path() -> None:
    """And what is no path has none."""
    pages: shell.Pages = {"/": lambda: "market"}
    assert shell.show_page(pages, "/") == "market"
    assert "/x" in texts(shell.show_page(pages, "/x"))
    assert "Nothing here" in texts(shell.show_page(pages, ["/"]))


def test_the_bar_has_what_the_scripts_look_for() -> None:
    """Search, freeze, clock and theme are buttons, by the ids that `assets/*.js` name."""
    bar = str(shell.layout(view(), {}, 1000).to_plotly_json())
    for name in (
        "search-open",
        "freeze-toggle",
        "clock",
        "theme-toggle",
        "settings-open",
        *(tab for _, _, tab in shell.TABS),
    ):
        assert f"id='{name}'" in bar
