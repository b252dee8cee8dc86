"""The collector's side of Redis: one pipeline of single-key commands a round, no half-written book."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import redis

from db.errors import StoreUnavailable
from db.hot import keys
from db.hot.reader import as_text

Fields = Mapping[str, str | int]

_FENCED = """
local held = redis.pcall('HGET', KEYS[1], 'epoch')
if type(held) == 'table' and held.err then return held end
if (tonumber(held or '') or 0) > tonumber(ARGV[1]) then return redis.error_reply('FENCED') end
return redis.pcall('HSET', KEYS[1], 'epoch', unpack(ARGV))
"""
"""Sets a hash's fields unless it carries a higher epoch. Errors come as they are, also from old servers."""


_APPEND_MISSING = """
local identity, width, length = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local entries = redis.pcall('XRANGE', KEYS[1], '-', '+')
if entries.err then return entries end
local function name(fields)
  for n = 1, #fields, 2 do
    if fields[n] == identity then return fields[n + 1] end
  end
end
local known, given, place = {}, {}, 0
for _, entry in ipairs(entries) do known[name(entry[2]) or ''] = true end
for n = 1, width do
  if ARGV[3 + n] == identity then place = n end
end
local is_short, is_mixed = false, false
for at = 3 + width, #ARGV - width, width do
  given[ARGV[at + place]] = true
  is_mixed = is_mixed or (is_short and known[ARGV[at + place]] or false)
  is_short = is_short or not known[ARGV[at + place]]
end
local function add(fields)
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', length, '*', unpack(fields))
end
if is_mixed then
  redis.call('DEL', KEYS[1])
  known = {}
  for _, entry in ipairs(entries) do
    if not given[name(entry[2]) or ''] then add(entry[2]) end
  end
end
for at = 3 + width, #ARGV - width, width do
  if not known[ARGV[at + place]] then
    local fields = {}
    for n = 1, width do
      fields[2 * n - 1], fields[2 * n] = ARGV[3 + n], ARGV[at + n]
    end
    add(fields)
  end
end
return #entries
"""
"""Appends those entries that a stream does not have. Where one of them belongs before one that it has, the
stream is written anew, in order. Others see all of it or none."""


class Held(NamedTuple):
    """What Redis has: event times by key, overview rows by symbol, newest entries by stream, oldest first."""

    event_times: dict[str, int]
    rows: dict[str, bytes]
    trades: dict[str, list[dict[str, str]]]


class Sent(NamedTuple):
    """What Redis did not take: keys deleted for their type, keys that a later epoch wrote, and keys that
    were to live longer and are gone."""

    deleted: set[str]
    fenced: set[str]
    gone: set[str]


class HotWriter:
    """Collects commands and sends them together. Not thread-safe: each thread has its own.

    A key that holds another type than it should is deleted, to be written anew; it spoils no other.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._pipeline = client.pipeline(transaction=False)
        self._touched: list[str] = []
        self._prolonged: list[int] = []
        """Which of the commands let a key live longer."""

    def put(self, key: str, fields: Fields) -> None:
        """Set fields of a hash, all in one command."""
        mapping: dict[Any, Any] = dict(fields)
        self._pipeline.hset(key, mapping=mapping)
        self._touched.append(key)

    def put_fenced(self, key: str, epoch: int, fields: Fields) -> None:
        """Set fields of a hash and its `epoch`, all in one command; not if a later epoch wrote it last."""
        self._pipeline.eval(_FENCED, 1, key, str(epoch), *chain.from_iterable(fields.items()))
        self._touched.append(key)

    def put_missing(self, key: str, fields: Fields) -> None:
        """Set only those fields of a hash that it does not have."""
        for name, value in fields.items():
            self._pipeline.hsetnx(key, name, str(value))
            self._touched.append(key)

    def expire(self, key: str, ttl_s: int) -> None:
        """Let a key live this much longer."""
        self._pipeline.expire(key, ttl_s)
        self._prolonged.append(len(self._touched))
        self._touched.append(key)

    def drop_fields(self, key: str, fields: Iterable[str]) -> None:
        """Delete fields of a hash."""
        self._pipeline.hdel(key, *fields)
        self._touched.append(key)

    def append(self, key: str, fields: Fields, length: int) -> None:
        """Append an entry to a stream that is cut to about `length` entries."""
        entry: dict[Any, Any] = dict(fields)
        self._pipeline.xadd(key, entry, maxlen=length, approximate=True)
        self._touched.append(key)

    def append_missing(self, key: str, identity: str, entries: Sequence[Fields], length: int) -> None:
        """Have a stream end with this list, in order: what it lacks is added, what it has beyond it stays.

        `identity`: the field that tells entries apart; all have the same fields. Cut as by `append`.
        """
        names = list(entries[0])
        values = chain.from_iterable(entry.values() for entry in entries)
        arguments = [identity, len(names), length, *names, *values]
        self._pipeline.eval(_APPEND_MISSING, 1, key, *(str(it) for it in arguments))
        self._touched.append(key)

    def event(self, *, kind: str, time_ms: int, venue: str, symbol: str, data: str) -> None:
        """Append to `events`: signal, gap, feed or candle; `data` is JSON."""
        entry: Fields = {"kind": kind, "time": time_ms, "venue": venue, "symbol": symbol, "data": data}
        self.append(keys.EVENTS, entry, keys.EVENTS_LENGTH)

    def send(self) -> Sent:
        """Send what was collected.

        Raises StoreUnavailable; what was collected is then forgotten, and the caller publishes all anew.
        """
        if not self._touched:
            return Sent(set(), set(), set())
        touched = self._touched
        try:
            results = self._pipeline.execute(raise_on_error=False)
            failed = [
                (k, r) for k, r in zip(touched, results, strict=True) if isinstance(r, redis.RedisError)
            ]
            wrong = {key for key, error in failed if _begins(error, "WRONGTYPE")}
            fenced = {key for key, error in failed if _begins(error, "FENCED")}
            gone = {touched[n] for n in self._prolonged if results[n] == 0}
            if wrong:
                self._client.delete(*wrong)
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from error
        finally:
            self.forget()
        if other := next((error for key, error in failed if key not in wrong | fenced), None):
            raise StoreUnavailable(f"Redis: {other}") from other
        return Sent(wrong, fenced, gone)

    def forget(self) -> None:
        """Drop what was collected and not sent."""
        self._pipeline.reset()
        self._touched, self._prolonged = [], []

    def has(self, key: str) -> bool:
        """Whether a key exists. Raises StoreUnavailable."""
        try:
            return bool(self._client.exists(key))
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from error

    def fields_of(self, key: str) -> list[str]:
        """Names of a hash's fields; none of a key of another type. Raises StoreUnavailable."""
        try:
            return [f.decode() if isinstance(f, bytes) else str(f) for f in self._client.hkeys(key)]
        except redis.RedisError as error:
            if _begins(error, "WRONGTYPE"):
                return []
            raise StoreUnavailable(f"Redis: {error}") from error

    def hashes_of(self, names: Sequence[str]) -> list[dict[str, str]]:
        """Those of these hashes that exist, and are hashes. Raises StoreUnavailable."""
        if not names:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for name in names:
            pipeline.hgetall(name)
        try:
            found: list[Any] = pipeline.execute(raise_on_error=False)
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from error
        failed = [answer for answer in found if isinstance(answer, redis.RedisError)]
        if other := next((error for error in failed if not _begins(error, "WRONGTYPE")), None):
            raise StoreUnavailable(f"Redis: {other}") from other
        return [as_text(fields) for fields in found if fields and not isinstance(fields, redis.RedisError)]

    def held(self, venue: str, symbols: Sequence[str], intervals: Sequence[str]) -> Held:
        """How new what Redis has of some instruments is, in one round trip.

        What is of another type than it should be counts as missing. Raises StoreUnavailable.
        """
        hashes = [key(venue, symbol) for symbol in symbols for key in (keys.book, keys.ticker)]
        hashes += [keys.kline(venue, symbol, interval) for symbol in symbols for interval in intervals]
        streams = [keys.trades(venue, symbol) for symbol in symbols]
        pipeline = self._client.pipeline(transaction=False)
        for key in hashes:
            pipeline.hget(key, "event_time")
        for symbol in symbols:
            pipeline.hget(keys.market(venue), symbol)
        for key in streams:
            pipeline.xrevrange(key, count=keys.TRADES_LENGTH)
        try:
            found: list[Any] = pipeline.execute(raise_on_error=False)
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from error
        good = [None if isinstance(answer, redis.RedisError) else answer for answer in found]
        times, rows, entries = (
            good[: len(hashes)],
            good[len(hashes) : -len(symbols)],
            good[-len(symbols) :],
        )
        return Held(
            {key: int(time) for key, time in zip(hashes, times, strict=True) if time and time.isdigit()},
            {symbol: row for symbol, row in zip(symbols, rows, strict=True) if row},
            {
                key: [as_text(fields) for _, fields in reversed(answer or ())]
                for key, answer in zip(streams, entries, strict=True)
            },
        )

    def delete_symbols(self, venue: str, symbols: Iterable[str]) -> None:
        """Delete what is known of instruments that are no longer followed. Raises StoreUnavailable."""
        gone = list(symbols)
        if not gone:
            return
        pipeline = self._client.pipeline(transaction=False)
        for key in [key for symbol in gone for key in keys.of_symbol(venue, symbol)]:
            pipeline.delete(key)
        pipeline.hdel(keys.market(venue), *gone)
        try:
            pipeline.execute()
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from error

    def delete_venue(self, venue: str) -> None:
        """Delete every key of one venue. Raises StoreUnavailable."""
        try:
            for pattern in (f"*:{venue}:*", keys.market(venue), keys.feed(venue), keys.rest(venue)):
                for key in self._client.scan_iter(match=pattern, count=500):
                    self._client.delete(key)
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from error


def _begins(error: redis.RedisError, word: str) -> bool:
    return isinstance(error, redis.ResponseError) and str(error).startswith(word)
