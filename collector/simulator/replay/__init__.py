"""Recordings of real sockets, played back at a chosen speed."""
