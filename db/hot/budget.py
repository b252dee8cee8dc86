"""One venue's REST budget, shared by all workers: a hash in Redis, changed by scripts that touch it alone.

Weight comes back steadily, up to a most. Urgent jobs may spend all of it, the others two thirds, so a third
is always there for what cannot wait. The venue's own count of its window is kept beside it: where it shows
that others use the same address, we use less. Times are Redis's own, so workers' clocks do not matter.
"""

from typing import Any, NamedTuple

from redis import Redis, ResponseError

from db.hot import keys
from db.hot.connect import redis_errors

LATER_SHARE = 2 / 3
"""How much of everything the jobs that are not urgent may use."""
URGENT_SHARE = 0.95
"""How much of the venue's own window urgent jobs may use: others may ask at the same moment."""

_BEGIN = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local names = {'room', 'room_later', 'filled_at', 'window_started_at', 'window_used', 'closed_until'}
local found = redis.call('HMGET', KEYS[1], unpack(names))
local function value(n, default) return tonumber(found[n]) or default end
local room, later, filled_at = value(1, 1e18), value(2, 1e18), value(3, now)
local started, used, closed_until = value(4, 0), value(5, 0), value(6, 0)
local burst, per_ms, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local share = tonumber(ARGV[4])
local past = math.max(0, now - filled_at)
room = math.min(burst, room + past * per_ms)
later = math.min(burst * share, later + past * per_ms * share)
if now - started >= window or now < started then
    started, used = now - now % window, 0
end
local function save(reason)
    redis.call('HSET', KEYS[1], 'room', string.format('%.3f', room), 'room_later',
        string.format('%.3f', later), 'filled_at', string.format('%d', now), 'window_started_at',
        string.format('%d', started), 'window_used', string.format('%d', used),
        'closed_until', string.format('%d', closed_until))
    if reason then redis.call('HSET', KEYS[1], 'reason', reason)
    else redis.call('HSETNX', KEYS[1], 'reason', '') end
    local full_in = math.ceil(burst / per_ms)
    redis.call('PEXPIRE', KEYS[1], math.max(full_in, window) + math.max(0, closed_until - now))
end
"""
"""The state as it is now. A key that is gone is a full budget; it lives until it would be full again."""

_TAKE = """
local weight, is_urgent, most = tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[7])
if closed_until > now then
    return {closed_until - now, redis.call('HGET', KEYS[1], 'reason') or ''}
end
local has, cap, rate = room, burst, per_ms
if not is_urgent then has, cap, rate = math.min(room, later), burst * share, per_ms * share end
local wait = 0
local needs = math.min(weight, cap)
if has < needs then wait = math.ceil((needs - has) / rate) end
if used > 0 and used + weight > most then wait = math.max(wait, started + window - now) end
if wait == 0 then
    room, used = room - weight, used + weight
    if not is_urgent then later = later - weight end
    save('')
end
return {wait, ''}
"""

_NOTE = """
used = math.max(used, tonumber(ARGV[5]))
save()
return {0, ''}
"""

_CLOSE = """
local reason = nil
if now + tonumber(ARGV[5]) > closed_until then
    closed_until, reason = now + tonumber(ARGV[5]), ARGV[6]
end
save(reason)
return {closed_until - now, ''}
"""


class Wait(NamedTuple):
    """How long not to ask; 0 if the weight was taken. `reason`: why nobody may, "" if it is only spent."""

    ms: int
    reason: str = ""


class SharedBudget:
    """The budget of one venue. Thread-safe as its client is. Every method raises StoreUnavailable."""

    def __init__(
        self, client: Redis, venue: str, *, limit: float, window_s: float, per_s: float, burst: float
    ) -> None:
        """Limits as in the venue's adapter: `limit` weight in `window_s` is the venue's, the rest ours."""
        self._client = client
        self._key = keys.rest(venue)
        self._limit = limit
        self._basis = (burst, per_s / 1000, int(window_s * 1000), LATER_SHARE)
        self._take = client.register_script(_BEGIN + _TAKE)
        self._note = client.register_script(_BEGIN + _NOTE)
        self._close = client.register_script(_BEGIN + _CLOSE)

    def take(self, weight: float, *, is_urgent: bool) -> Wait:
        """Take `weight`, if it is there and nobody has to rest."""
        most = self._limit * (URGENT_SHARE if is_urgent else LATER_SHARE)
        return self._run(self._take, weight, int(is_urgent), most)

    def note(self, used: int) -> None:
        """What the venue says this address has used of its window."""
        self._run(self._note, used)

    def close(self, for_ms: int, reason: str) -> None:
        """Let nobody ask for so long; a closing that lasts longer stays."""
        self._run(self._close, for_ms, reason)

    def _run(self, script: Any, *arguments: float | str) -> Wait:
        values = [*self._basis, *arguments]
        with redis_errors():
            try:
                ms, reason = script(keys=[self._key], args=values)
            except ResponseError as error:
                if "WRONGTYPE" not in str(error):
                    raise
                self._client.delete(self._key)  # somebody put another type there
                ms, reason = script(keys=[self._key], args=values)
        return Wait(int(ms), reason.decode())
