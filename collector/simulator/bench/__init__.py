"""Frames that were encoded beforehand, sent in a loop: a load that is never the bottleneck."""
