"""`python -m collector.backtest`: the rules and paper trades that run live, over stored candles.

`options` says what is asked, `play` does it, `report` tells it.
"""
