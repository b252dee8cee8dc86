"""The market: a price path that is a function of time, and the books, trades and candles that follow it."""
