"""Where the data lives. The only package that knows drivers, Redis keys and SQL."""
