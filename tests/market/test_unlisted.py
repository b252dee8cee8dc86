"""What a venue does not list, as one line and back."""

from hypothesis import given
from hypothesis import strategies as st

from market.unlisted import read_unlisted, unlisted_text

symbols = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789龙", min_size=1, max_size=12)


def test_the_line_is_for_people() -> None:
    """In vain the symbol alone, else with the name it has; the same whoever writes it."""
    found = {"SHIBUSDT": "SHIB1000USDT", "FOOUSDT": ""}
    assert unlisted_text(found) == "FOOUSDT, SHIBUSDT as SHIB1000USDT"
    assert unlisted_text({}) == ""


@given(st.dictionaries(symbols, symbols | st.just("")))
def test_what_is_written_is_read(unlisted: dict[str, str]) -> None:
    """Whatever the symbols, also none."""
    assert read_unlisted(unlisted_text(unlisted)) == unlisted
