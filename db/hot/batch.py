"""Commands that reach Redis together: a script runs them, each unless a later owner has its instrument."""

from typing import Any, NamedTuple

import redis

_RUN = """
local failed, at, number = {}, 1, 0
local function epoch_of(key)
  local held = redis.pcall('HGET', key, 'epoch')
  return type(held) == 'string' and tonumber(held) or 0
end
local function run(count, fence, epoch)
  if fence ~= '' and epoch_of(fence) > tonumber(epoch) then return {err = 'FENCED'} end
  if count > 0 then return redis.pcall(unpack(ARGV, at + 3, at + 2 + count)) end
  return redis.pcall('EXISTS', fence) == 1 and redis.pcall('HSET', fence, 'epoch', epoch) or 0
end
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  local answer = run(count, ARGV[at + 1], ARGV[at + 2])
  number = number + 1
  if type(answer) == 'table' and answer.err then
    failed[#failed + 1], failed[#failed + 2] = number, answer.err
  elseif answer == 0 and ARGV[at + 3] == 'EXPIRE' then
    failed[#failed + 1], failed[#failed + 2] = number, 'GONE'
  end
  at = at + 3 + count
end
return failed
"""
"""ARGV: of each command how many words it has, its fence or '', the epoch, the words. No words: a claim."""

MOST = 250
"""Commands in one script, which nothing else interrupts: some milliseconds."""


class Fence(NamedTuple):
    """A write that is refused where this hash carries a higher `epoch`: another has the instrument since."""

    key: str
    epoch: int


class Batch:
    """Commands in their order. Not thread-safe."""

    def __init__(self) -> None:
        self._scripts: list[list[Any]] = []
        self._keys: list[str] = []

    def add(self, key: str, *command: str | bytes | int | float, fence: Fence | None = None) -> None:
        """One command on a key."""
        if len(self._keys) % MOST == 0:
            self._scripts.append([])
        self._scripts[-1] += (len(command), *(fence or ("", 0)), *command)
        self._keys.append(key)

    def claim(self, fence: Fence) -> None:
        """Let the hash carry this epoch, if it is there."""
        self.add(fence.key, fence=fence)

    def put_into(self, pipeline: "redis.client.Pipeline") -> int:
        """Let a pipeline send them; returns how many answers of it are theirs."""
        for words in self._scripts:
            pipeline.eval(_RUN, 0, *words)
        return len(self._scripts)

    def failures(self, answers: list[Any]) -> list[tuple[str, str]]:
        """Key and error of each that was not done, by the scripts' answers; `GONE`: nothing to expire."""
        found: list[tuple[str, str]] = []
        for index, answer in enumerate(answers):
            for number, error in zip(answer[::2], answer[1::2], strict=True):
                text = error.decode(errors="replace") if isinstance(error, bytes) else str(error)
                found.append((self._keys[index * MOST + int(number) - 1], text))
        return found
