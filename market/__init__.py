"""What the data means: events, books, candles. Pure: no sockets, no stores, no clock, no environment."""

VERSION = "0.1.0"
