"""Ids of the Market page's components."""

GRID = "market-grid"
COUNTS = "market-counts"
DRAWN = "market-drawn"
