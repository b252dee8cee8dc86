"""The fault drill: `./dev drill`. Each fault that one machine can inject, let loose on a running collector.

__main__                the command
cases  solos  long      the faults of exchange and network, one small object each
redis_cases  postgres_cases    those of the stores, on one collector
restarts  outages  passwords   those for which collectors are ended and started, on one exchange
workers  hot  hosts  starts    those of several collectors, of readers, of machine and process, of a start
case  report            what a case is, what came of it, and the table
flow                    how one is played: inject, notice, heal, live again, compare
stores  servers         the same for faults of the stores
sabotage                a collector that harms itself on command
rig  launch             stores, simulator and collector of a drill
exchange  proxy         the simulator under command; a TCP proxy that delays, stalls or cuts
watch  rows             what can be seen from outside: Redis, events, ledger; rows against the truth
"""
