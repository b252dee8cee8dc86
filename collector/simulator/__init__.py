"""A local exchange that speaks the public wire protocols of Bybit v5 (linear) and Binance USDⓈ-M.

It is another party: it shares no code with the collector that listens to it. What is where:

    __main__  child        the command, and how to start it as a child
    exchange               both venues behind one port: paths, clients, faults, counts
    server  connection     the port itself; one socket; wire: a client and its bounded outbox
    sessions/              what a client may say: subscribe, ping, and how each venue answers or stays silent
    rest/                  what each venue's HTTP endpoints answer
    economy/               the market itself: prices as a function of time, books, trades, candles
    streams/               the market as each venue's messages
    replay/                recordings played back instead of the market
    bench/                 pre-encoded frames in a loop, as fast as a client reads
    control  faults/       the port that takes commands, and the faults it can inject
    truth  counts          what the exchange really said, and what clients did

A ``Backend`` (exchange) is what stands behind the port: the simulated market, the player, or the bench.
Faults act between a backend and its clients, so they meet a market and a recording alike.
"""
