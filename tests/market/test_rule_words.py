"""The words of the rules."""

from market.rule_words import RULE_WORDS
from market.signals import BOOK_RULES, CANDLE_RULES


def test_every_rule_has_its_words_and_no_other_name_has() -> None:
    """In the order of the tables."""
    names = [*(rule.name for rule in CANDLE_RULES), *(rule.name for rule in BOOK_RULES)]
    assert list(RULE_WORDS) == names
