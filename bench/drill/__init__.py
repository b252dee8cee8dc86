"""The fault drill: `./dev drill`. Each fault of an exchange or a network, injected into a running collector.

__main__                the command
cases  long             the faults, one small object each
case  report            what a case is, what came of it, and the table
flow                    how one is played: inject, notice, heal, live again, compare
rig                     stores, simulator and collector of a drill
exchange  proxy         the simulator under command; a TCP proxy that delays, stalls or cuts
watch  rows             what can be seen from outside: Redis, events, ledger; rows against the truth
"""
