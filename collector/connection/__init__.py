"""One WebSocket connection to a venue, kept alive for ever. The only place that knows the client library."""

from collector.connection.lasting import Connection, Handler

__all__ = ["Connection", "Handler"]
