"""The Market page: every instrument of every venue in one table."""
