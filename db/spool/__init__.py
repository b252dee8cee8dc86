"""Rows on local disk that Postgres has not taken yet."""

from db.spool.spool import Kept, Spool

__all__ = ["Kept", "Spool"]
