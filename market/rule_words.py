"""What each rule is called, and what it says in a sentence: for those who show signals and compute none."""

RULE_WORDS = {
    "rsi_reversal": "RSI leaves oversold or overbought",
    "stoch_rsi_cross": "StochRSI lines cross in an extreme zone",
    "macd_trend": "MACD crosses its signal line along the trend",
    "bollinger_reentry": "Price comes back inside the Bollinger bands",
    "volume_surge": "Volume surges in one direction",
    "book_pressure": "Ten levels of the book lean to one side for a while",
}
