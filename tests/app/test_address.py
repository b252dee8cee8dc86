"""Who asks, as far as limits go."""

import pytest
from flask import Request

from app.address import address_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_an_address_stands_for_one_subscriber(text: str, expected: str) -> None:
    """One has a whole IPv6 network; what is no address stands for itself."""
    assert address_of(Request({"REMOTE_ADDR": text})) == expected
