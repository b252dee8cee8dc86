"""What happened, in Postgres: the writer, the reader, and the functions of the earlier systems."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from db.history.compat import OrderbookTick, get_session, get_ticks_as_dataframe, save_tick

__all__ = ["OrderbookTick", "get_session", "get_ticks_as_dataframe", "save_tick"]


def __getattr__(name: str) -> Any:
    """Import the old functions when they are asked for: nothing of ours needs the ORM they bring."""
    if name in __all__:
        from db.history import compat

        return getattr(compat, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
