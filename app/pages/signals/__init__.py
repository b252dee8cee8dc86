"""The Signals page: which signals fired, what they and their paper trades made, and whether that was luck."""
