"""The Symbol page: one instrument's candles, book and trades."""
