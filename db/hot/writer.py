"""The collector's side of Redis: what a round writes goes there together, and no book half written."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import redis

from db.errors import StoreUnavailable
from db.hot import keys
from db.hot.batch import Batch, Fence
from db.hot.reader import as_text

Fields = Mapping[str, str | int]

_APPEND_MISSING = """
local identity, width, length, epoch = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local held = KEYS[2] and redis.pcall('HGET', KEYS[2], 'epoch')
if type(held) == 'string' and (tonumber(held) or 0) > epoch then return redis.error_reply('FENCED') end
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
  if ARGV[4 + n] == identity then place = n end
end
local is_short, is_mixed = false, false
for at = 4 + width, #ARGV - width, width do
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
for at = 4 + width, #ARGV - width, width do
  if not known[ARGV[at + place]] then
    local fields = {}
    for n = 1, width do
      fields[2 * n - 1], fields[2 * n] = ARGV[4 + n], ARGV[at + n]
    end
    add(fields)
  end
end
return #entries
"""
"""Appends those entries that a stream does not have. Where one of them belongs before one that it has, the
stream is written anew, in order. Others see all of it or none. KEYS[2]: the fence's hash, if any."""


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
        self._batch = Batch()
        self._steps: list[tuple[Batch | str, int]] = []
        """What is in the pipeline: a batch or the key of a whole list, and how many answers are to come."""

    def put(self, key: str, fields: Fields, fence: Fence | None = None) -> None:
        """Set fields of a hash, all in one command."""
        self._batch.add(key, "HSET", key, *chain.from_iterable(fields.items()), fence=fence)

    def put_missing(self, key: str, fields: Fields, fence: Fence | None = None) -> None:
        """Set only those fields of a hash that it does not have."""
        for name, value in fields.items():
            self._batch.add(key, "HSETNX", key, name, value, fence=fence)

    def claim(self, fence: Fence) -> None:
        """From now on who has a lower epoch writes nothing more that has this fence."""
        self._batch.claim(fence)

    def expire(self, key: str, ttl_s: int) -> None:
        """Let a key live this much longer."""
        self._batch.add(key, "EXPIRE", key, ttl_s)

    def drop_fields(self, key: str, fields: Iterable[str]) -> None:
        """Delete fields of a hash."""
        for name in fields:
            self._batch.add(key, "HDEL", key, name)

    def append(self, key: str, fields: Fields, length: int, fence: Fence | None = None) -> None:
        """Append an entry to a stream that is cut to about `length` entries."""
        entry = chain.from_iterable(fields.items())
        self._batch.add(key, "XADD", key, "MAXLEN", "~", length, "*", *entry, fence=fence)

    def append_missing(
        self, key: str, identity: str, entries: Sequence[Fields], length: int, fence: Fence | None = None
    ) -> None:
        """Have a stream end with this list, in order: what it lacks is added, what it has beyond it stays.

        `identity`: the field that tells entries apart; all have the same fields. Cut as by `append`.
        """
        names = list(entries[0])
        values = chain.from_iterable(entry.values() for entry in entries)
        arguments = [identity, len(names), length, fence.epoch if fence else 0, *names, *values]
        held = [key, fence.key] if fence else [key]
        self._end_batch()
        self._pipeline.eval(_APPEND_MISSING, len(held), *held, *(str(it) for it in arguments))
        self._steps.append((key, 1))

    def event(self, *, kind: str, time_ms: int, venue: str, symbol: str, data: str) -> None:
        """Append to `events`: signal, gap, feed or candle; `data` is JSON."""
        entry: Fields = {"kind": kind, "time": time_ms, "venue": venue, "symbol": symbol, "data": data}
        self.append(keys.EVENTS, entry, keys.EVENTS_LENGTH)

    def send(self) -> Sent:
        """Send what was collected, in its order.

        Raises StoreUnavailable; what was collected is then forgotten, and the caller publishes all anew.
        """
        self._end_batch()
        if not self._steps:
            return Sent(set(), set(), set())
        try:
            failed = self._failures(self._pipeline.execute(raise_on_error=False))
            wrong = {key for key, error in failed if error.startswith("WRONGTYPE")}
            if wrong:
                self._client.delete(*wrong)
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from error
        finally:
            self.forget()
        fenced = {key for key, error in failed if error.startswith("FENCED")}
        gone = {key for key, error in failed if error == "GONE"}
        if other := next((error for key, error in failed if key not in wrong | fenced | gone), None):
            raise StoreUnavailable(f"Redis: {other}")
        return Sent(wrong, fenced, gone)

    def forget(self) -> None:
        """Drop what was collected and not sent."""
        self._pipeline.reset()
        self._batch, self._steps = Batch(), []

    def _end_batch(self) -> None:
        if count := self._batch.put_into(self._pipeline):
            self._steps.append((self._batch, count))
            self._batch = Batch()

    def _failures(self, answers: list[Any]) -> list[tuple[str, str]]:
        """Key and error of each command that was not done. Raises RedisError where a script did not run."""
        found: list[tuple[str, str]] = []
        for step, count in self._steps:
            own, answers = answers[:count], answers[count:]
            refused = next((answer for answer in own if isinstance(answer, redis.RedisError)), None)
            if isinstance(step, Batch):
                if refused:
                    raise refused
                found += step.failures(own)
            elif refused:
                found.append((step, str(refused)))
        return found

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
