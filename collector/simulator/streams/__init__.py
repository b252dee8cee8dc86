"""The simulated market as messages: one class per kind of stream, for each venue."""
