"""How the data is shown: pages and API, read from the stores alone."""
