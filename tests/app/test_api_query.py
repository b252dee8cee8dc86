"""What the parameters of the read API mean, and which are refused."""

import base64

import pytest

from app.api_query import DEFAULT_LIMIT, read_cursor, read_query, read_time, write_cursor
from app.errors import BadValue

NOON = 1_700_049_600_000
"""2023-11-15 12:00:00 UTC."""


@pytest.mark.parametrize(
    "text",
    [
        "1700049600000", "2023-11-15T12:00:00Z", "2023-11-15T12:00:00+00:00", "2023-11-15T13:00:00+01:00",
        "2023-11-15T13:00:00 01:00", "2023-11-15 12:00:00+00:00", "2023-11-15T12:00Z", "20231115T120000Z",
    ],
)  # fmt: skip
def test_one_moment_in_many_spellings(text: str) -> None:
    """Epoch ms and ISO-8601 with a zone; a plus that an address turned into a space is a plus."""
    assert read_time("from", text) == NOON


def test_finer_times_are_rounded_up() -> None:
    """[from, to) of microseconds holds the same whole milliseconds."""
    assert read_time("from", "2023-11-15T12:00:00.000001Z") == NOON + 1
    assert read_time("from", "2023-11-15T12:00:00.001Z") == NOON + 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2023-11-15T12:00:00"}, "from"),
        ({"from": "2023-11-15"}, "from"),
        ({"to": "-1"}, "to"),
        ({"to": "1700049600000000"}, "to"),
        ({"to": "1e12"}, "to"),
        ({"from": "٣"}, "from"),
        ({"from": "0001-01-01T00:00:00Z"}, "from"),
        ({"from": "2", "to": "1"}, "to"),
        ({"limit": "0"}, "limit"),
        ({"limit": "5001"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"max_points": "1"}, "max_points"),
        ({"max_points": "5001"}, "max_points"),
        ({"format": "xml"}, "format"),
        ({"cursor": "???"}, "cursor"),
        ({"cursor": "MTIz"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": write_cursor((5, 6)) or "", "max_points": "10"}, "cursor"),
        ({"cursor": write_cursor((-5, 6)) or ""}, "cursor"),
        ({"cursor": write_cursor((10**17, 6)) or ""}, "cursor"),
        ({"cursor": write_cursor((5, 2**63)) or ""}, "cursor"),
    ],
)
def test_a_bad_value_is_named(given: dict[str, str], field: str) -> None:
    """Each with the field that has it."""
    with pytest.raises(BadValue) as found:
        read_query(given, cursor_length=2, least_points=2)
    assert found.value.field == field


def test_what_is_not_given_has_its_default() -> None:
    """An empty value is none."""
    query = read_query({"limit": "", "from": ""}, cursor_length=2, least_points=2)
    assert query == (None, None, DEFAULT_LIMIT, None, None, False)


def test_rows_that_are_never_thinned_have_no_points() -> None:
    """`max_points` means nothing there, like any parameter that is not known."""
    assert read_query({"max_points": "no"}, cursor_length=2, least_points=None).max_points is None


def test_a_cursor_comes_back_as_it_went() -> None:
    """And carries no more than numbers."""
    word = write_cursor((1_700_000_000_000_123, 9_007_199_254_740_993))
    assert word is not None
    assert word.isascii()
    assert read_cursor(word, 2) == (1_700_000_000_000_123, 9_007_199_254_740_993)
    assert write_cursor(None) is None
    assert read_cursor(None, 2) is None


def test_a_cursor_of_another_unit_is_refused() -> None:
    """A time in microseconds is no candle's, however it was come by."""
    far = base64.urlsafe_b64encode(b"999999999999999").decode().rstrip("=")
    with pytest.raises(BadValue, match="cursor"):
        read_cursor(far, 1)
    assert read_cursor(base64.urlsafe_b64encode(b"999999999999999.5").decode().rstrip("="), 2)


def test_the_largest_id_is_a_place() -> None:
    """What the database holds, the next page begins behind."""
    assert read_cursor(write_cursor((5, 2**63 - 1)), 2) == (5, 2**63 - 1)
