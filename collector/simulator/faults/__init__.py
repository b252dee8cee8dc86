"""Faults that the exchange can be told to have; `collector.simulator.control` says how.

A fault is one class with the fields it is commanded with. It acts where the exchange meets its clients:

    on_frame       a message on its way to a client
    on_subscribe   a topic that a client asks for
    on_handshake   a socket that is about to be opened
    on_request     an HTTP request that is about to be answered
    on_reply       the answer to it
    begin  end     what it does to sockets or to the market itself when it comes and goes

While there is no fault, a message passes one test for None and nothing else.
"""
