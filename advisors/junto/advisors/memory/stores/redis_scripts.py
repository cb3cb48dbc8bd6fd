"""The steps of a Redis store, in Lua: constant text, bound keys and arguments.

Of a conversation there are three keys, in one slot: ``meta`` (who holds it, and how far it
is), ``log`` (a list with one element for each turn) and ``turns`` (by turn id: number,
fence, time and input hash).  Beside them the ``index`` of a tenant's conversations, by the
time of their newest turns, and the set of ``tenants``.

Times are microseconds by the server's clock, which a double holds exactly.
"""

from __future__ import annotations

import hashlib

from .redis_shared import SHARED

__all__ = [
    "ABORT",
    "APPEND",
    "BEGIN",
    "CLEAR",
    "COMMIT",
    "COUNT",
    "FORGET",
    "LAYOUT",
    "LIST",
    "LOAD",
    "MEMBERS",
    "PRUNE",
    "RENEW",
    "VERSION",
    "Script",
]


class Script:
    """A script.

    Attributes:
        text: What it does.
        sha: By what the server knows it, once it has seen it.
    """

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text: str = text
        self.sha: str = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


LAYOUT = 1
"""The version of what is written here.  A newer one is refused."""

VERSION = Script(
    """
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
"""
)
"""version; what this junto writes.  Gives what was written first."""

LOAD = Script("return redis.call('LRANGE', KEYS[1], '-' .. ARGV[1], -1)")
"""log; how many."""

BEGIN = Script(
    SHARED
    + """
local turn_id, hash, seconds, takeover, ttl = unpack(ARGV)
local known = redis.call('HGET', turns, turn_id)
if known then
  local seq, place = string.match(known, '^(%d+) %d+ %S+ ()')
  return {'stored', string.sub(known, place), find(tonumber(seq)) or ''}
end
local holder, left = get('open_turn'), number(get('lease_until')) - now()
if holder and left >= 0 and takeover == '0' then
  return {'busy', whole(left), holder, get('open_hash')}
end
local fence = open(turn_id, hash, seconds)
expire(ttl)
return {'lease', fence}
"""
)
"""meta, log, turns; turn id, input hash, microseconds, takeover, time to live."""

RENEW = Script(
    SHARED
    + """
local turn_id, fence, seconds, ttl = unpack(ARGV)
if not holds(turn_id, fence) then return 0 end
redis.call('HSET', meta, 'lease_until', whole(now() + seconds))
expire(ttl)
return 1
"""
)
"""meta, log, turns; turn id, fence, microseconds, time to live."""

COMMIT = Script(
    SHARED
    + """
local turn_id, fence, hash = ARGV[1], ARGV[2], ARGV[3]
local known = redis.call('HGET', turns, turn_id)
if known then
  local seq, by = string.match(known, '^(%d+) (%d+)')
  if by == fence then return tonumber(seq) end
end
if not holds(turn_id, fence) then return 0 end
return store(unpack(ARGV))
"""
)
"""All five; turn id, fence, hash, created, body, time to live, most turns, tenant, name."""

APPEND = Script(
    SHARED
    + """
local turn_id, hash = ARGV[1], ARGV[3]
if redis.call('HEXISTS', turns, turn_id) == 1 then return '' end
local holder, left = get('open_turn'), number(get('lease_until')) - now()
if holder and left >= 0 and holder ~= turn_id then return whole(left) end
ARGV[2] = open(turn_id, hash, 0)
store(unpack(ARGV))
return ''
"""
)
"""The same; the fence is made here."""

ABORT = Script(
    SHARED
    + """
local turn_id, fence, ttl = unpack(ARGV)
if not holds(turn_id, fence) then return end
release()
if redis.call('EXISTS', log) == 0 then redis.call('DEL', meta) else expire(ttl) end
"""
)
"""meta, log, turns; turn id, fence, time to live."""

CLEAR = Script(
    SHARED
    + """
redis.call('DEL', meta, log, turns)
forget(ARGV[1])
if redis.call('EXISTS', index) == 0 then redis.call('SREM', tenants, ARGV[2]) end
"""
)
"""All five; name, tenant."""

FORGET = Script(
    SHARED
    + """
if redis.call('EXISTS', log) == 1 then return end
forget(ARGV[1])
if redis.call('EXISTS', index) == 0 then redis.call('SREM', tenants, ARGV[2]) end
"""
)
"""All five; name, tenant: what is over is listed no more."""

PRUNE = Script(
    SHARED
    + """
local before = now() / 1000000 - ARGV[1]
local all = redis.call('HGETALL', turns)
local old = {}
for i = 1, #all, 2 do
  local seq, created = string.match(all[i + 1], '^(%d+) %d+ (%S+)')
  if tonumber(created) < before then
    old[#old + 1] = tonumber(seq)
    redis.call('HDEL', turns, all[i])
  end
end
local gone = '-'
for _, seq in ipairs(old) do
  local element, place = find(seq)
  if element then redis.call('LSET', log, place, seq .. ' 0 0 ' .. gone) end
end
-- Marked first, so that places hold still; one sweep takes them all.
for _, seq in ipairs(old) do redis.call('LREM', log, 1, seq .. ' 0 0 ' .. gone) end
local first = redis.call('LINDEX', log, 0)
if first then
  redis.call('HSET', meta, 'offset', parse(first) - 1)
else
  if get('open_turn') then redis.call('HDEL', meta, 'updated')
  else redis.call('DEL', meta) end
  forget(ARGV[2])
  if redis.call('EXISTS', index) == 0 then redis.call('SREM', tenants, ARGV[3]) end
end
return #old
"""
)
"""All five; seconds, name, tenant."""

LIST = Script("return redis.call('ZREVRANGE', KEYS[1], 0, -1, 'WITHSCORES')")
"""index: names and times, the newest first."""

MEMBERS = Script("return redis.call('SMEMBERS', KEYS[1])")
"""tenants."""

COUNT = Script(
    """
local counts = {}
for i, log in ipairs(KEYS) do counts[i] = redis.call('LLEN', log) end
return counts
"""
)
"""Logs: how many turns each has."""
