"""The latest state, in Redis: key names, the collector's writer and the web's reader."""
