"""What a view says of rows and feeds."""

import msgspec

from app.view import (
    MarketView,
    Notice,
    OverviewRow,
    build_view,
    feed_words,
    notices_of,
    read_feed,
    read_rows,
    unknown_feed,
)
from tests.app.fakes import LIVE_FEED, NOW, row


def view_of(*rows: OverviewRow, notices: tuple[Notice, ...] = ()) -> MarketView:
    return build_view(NOW, rows, {"bybit": read_feed(LIVE_FEED)}, notices)


def test_a_symbol_without_a_stored_row_has_a_blank_one() -> None:
    """Rows come in the order asked for; a missing one knows what its name says and nothing else."""
    stored = {"BTCUSDT": row("bybit", "BTCUSDT", last_price=65114.2)}
    rows, unreadable = read_rows("bybit", stored, ["1000PEPEUSDT", "BTCUSDT"])
    assert rows[0] == OverviewRow("bybit", "1000PEPEUSDT", "PEPE", "USDT", 1000.0)
    assert rows[1].last_price == 65114.2
    assert unreadable == []


def test_a_row_that_cannot_be_read_leaves_the_others_alone() -> None:
    """A poisoned row is blank and named; its neighbours are shown."""
    stored = {"BTCUSDT": b"{nonsense", "ETHUSDT": row("bybit", "ETHUSDT", last_price=1.5)}
    rows, unreadable = read_rows("bybit", stored, ["BTCUSDT", "ETHUSDT"])
    assert unreadable == ["BTCUSDT"]
    assert [r.last_price for r in rows] == [None, 1.5]


def test_a_feed_reads_words_and_numbers() -> None:
    """Everything but state, reason and unlisted is a number; empty and unreadable ones are missing."""
    feed = read_feed(
        {**LIVE_FEED, "lag_p50_ms": "12", "lag_p99_ms": "", "gaps": "many", "unlisted": "A as B"}
    )
    assert feed["state"] == "live"
    assert feed["reason"] is None
    assert feed["unlisted"] == "A as B"
    assert (feed["message_rate"], feed["lag_p50_ms"], feed["lag_p99_ms"], feed["gaps"]) == (
        412.5,
        12,
        None,
        None,
    )


def test_a_feed_without_heartbeat_is_down() -> None:
    """When the collector is dead its feed's key is gone, and that is said."""
    assert read_feed({})["state"] == "down"
    assert read_feed({})["reason"] == "no heartbeat from the collector"


def test_trouble_of_one_cause_is_told_once() -> None:
    """Venues that share state and reason share a sentence; healthy and unknown ones have none."""
    feeds = {
        "bybit": read_feed({}),
        "binance": read_feed({}),
        "other": read_feed(LIVE_FEED),
        "x": unknown_feed(),
    }
    notices = notices_of(feeds, simulated=False, waiting={})
    assert notices == [Notice("trouble", "bybit, binance down: no heartbeat from the collector")]


def test_simulated_data_is_called_so_first() -> None:
    """The banner leads, and says how the real venues are doing."""
    blocked = read_feed({"state": "blocked", "reason": "HTTP 403"})
    notices = notices_of({"sim-bybit": read_feed({})}, simulated=True, waiting={"bybit": blocked})
    assert [n.kind for n in notices] == ["simulated", "trouble"]
    assert notices[0].text.startswith("SIMULATED DATA")
    assert notices[0].text.endswith("bybit blocked: HTTP 403")


def test_the_version_follows_the_content_alone() -> None:
    """Same content, same version, in whatever process and second; any change of a row or notice, another."""
    one = OverviewRow("bybit", "BTCUSDT", last_price=1.0, recv_time=NOW)
    later = build_view(NOW + 5000, [one], {"bybit": read_feed(LIVE_FEED)}, ())
    assert view_of(one).version == later.version
    assert view_of(one).version != view_of(msgspec.structs.replace(one, recv_time=NOW + 1)).version
    assert view_of(one).version != view_of(one, notices=(Notice("old", "x"),)).version


def test_a_view_knows_that_it_is_simulated() -> None:
    """The banner is what makes it so."""
    assert view_of(notices=(Notice("simulated", "x"),)).simulated
    assert not view_of(notices=(Notice("old", "x"),)).simulated


def test_a_view_knows_what_a_venue_does_not_list() -> None:
    """In vain, or by another name; of what is listed, and of venues of which nothing is known, nothing."""
    feeds = {"bybit": read_feed(LIVE_FEED | {"unlisted": "FOOUSDT, SHIBUSDT as SHIB1000USDT"})}
    view = build_view(NOW, [], feeds | {"binance": unknown_feed()}, ())
    assert view.listed_as("bybit", "FOOUSDT") == ""
    assert view.listed_as("bybit", "SHIBUSDT") == "SHIB1000USDT"
    for venue, symbol in (("bybit", "BTCUSDT"), ("binance", "FOOUSDT"), ("kraken", "FOOUSDT")):
        assert view.listed_as(venue, symbol) is None
    assert view.version != view_of().version
    assert feed_words(view.feeds)[0]["unlisted"] == {"FOOUSDT": "", "SHIBUSDT": "SHIB1000USDT"}
