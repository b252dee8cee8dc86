"""The document around the app."""

from app.security import script_hash
from app.theme import FIRST_PAINT, FIRST_PAINT_HASH, PALETTE_KEY, SWAP_KEY, THEME_KEY, index_string


def test_the_inline_script_is_the_hashed_one() -> None:
    """A changed script with an old hash would be refused by the policy."""
    assert f"<script>{FIRST_PAINT}</script>" in index_string()
    assert script_hash(FIRST_PAINT) == FIRST_PAINT_HASH


def test_the_theme_is_chosen_before_anything_is_painted() -> None:
    """The script stands before the style sheets, and reads what the toggle stores."""
    page = index_string()
    assert page.index("<script>") < page.index("{%css%}")
    for key in (THEME_KEY, PALETTE_KEY, SWAP_KEY):
        assert f'getItem("{key}")' in FIRST_PAINT


def test_the_page_names_no_other_origin() -> None:
    """Everything comes from here."""
    assert "http" not in index_string()
