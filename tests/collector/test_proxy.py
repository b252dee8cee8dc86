"""Which hosts are reached through a proxy."""

import pytest

from collector.proxy import proxy_for

PROXY = "http://user:pw@proxy.example:3128"


@pytest.mark.parametrize("url", ["wss://stream.bybit.com/v5/public/linear", "https://fapi.binance.com"])
def test_venues_are_reached_through_the_proxy(url: str) -> None:
    """Unless NO_PROXY names them."""
    assert proxy_for(url, PROXY, "") == PROXY
    assert proxy_for(url, PROXY, ".bybit.com, fapi.binance.com") == ""
    assert proxy_for(url, "", "") == ""


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:1", "http://localhost:1", "https://127.0.0.1:1", "wss://localhost"]
)
def test_loopback_never_is(url: str) -> None:
    """Whatever is set."""
    assert proxy_for(url, PROXY, "") == ""
