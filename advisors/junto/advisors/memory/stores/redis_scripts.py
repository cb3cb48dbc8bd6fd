"""The steps of a Redis store, in Lua: constant text, bound keys and arguments.

Of a conversation there are three keys, in one slot: ``meta`` (who holds it, and how far it
is), ``log`` (a list with one element for each turn) and ``turns`` (by turn id: number,
fence, time and input hash).  Beside them the ``index`` of a tenant's conversations, by the
time of their newest turns, and the set of ``tenants``.

Times are microseconds by the server's clock, which a double holds exactly.
"""

from __future__ import annotations

import hashlib

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
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


_SHARED = """
local meta, log, turns, index, tenants = unpack(KEYS)
local function number(value) return tonumber(value or 0) or 0 end
local function whole(value) return string.format('%.0f', value) end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function get(name) return redis.call('HGET', meta, name) end
local function holds(turn_id, fence)
  return get('open_turn') == turn_id and get('fence') == fence
end
local function release()
  redis.call('HDEL', meta, 'open_turn', 'open_hash', 'lease_until')
end
-- A conversation is over when it was silent for the time to live; 0 is for ever.  One that
-- has no turns yet is gone a day after its lease.
local function expire(ttl)
  local last = math.max(number(get('updated')), number(get('lease_until')))
  if number(ttl) == 0 and redis.call('EXISTS', log) == 0 then ttl = 86400000000 end
  for i = 1, 3 do
    if number(ttl) == 0 then
      redis.call('PERSIST', KEYS[i])
    else
      redis.call('PEXPIREAT', KEYS[i], whole(math.ceil((last + ttl) / 1000)))
    end
  end
end
local function open(turn_id, hash, seconds)
  -- The clock makes it larger than any fence of a conversation that was deleted.
  local time = now()
  local fence = whole(math.max(number(get('fence')) + 1, time))
  redis.call('HSET', meta, 'open_turn', turn_id, 'open_hash', hash,
    'lease_until', whole(time + seconds), 'fence', fence)
  return fence
end
local function parse(element)
  local seq, created, size, place = string.match(element, '^(%d+) (%S+) (%d+) ()')
  return tonumber(seq), string.sub(element, place, place + size - 1)
end
-- The element of a turn: numbers may be missing, so it is there or further to the front.
local function find(seq)
  local place = seq - 1 - number(get('offset'))
  place = math.min(place, redis.call('LLEN', log) - 1)
  while place >= 0 do
    local element = redis.call('LINDEX', log, place)
    local found = parse(element)
    if found == seq then return element, place end
    if found < seq then return nil end
    place = place - 1
  end
end
local function forget(name)
  redis.call('ZREM', index, name)
end
local function keep(key, new, ttl)
  if ttl == 0 then
    redis.call('PERSIST', key)
  else
    local at = whole(math.ceil((now() + ttl) / 1000))
    if new then redis.call('PEXPIREAT', key, at) else redis.call('PEXPIREAT', key, at, 'GT') end
  end
end
local function store(turn_id, fence, hash, created, body, ttl, most, tenant, name)
  local time = now()
  local seq = redis.call('HINCRBY', meta, 'head', 1)
  if created == '' then created = string.format('%.6f', time / 1000000) end
  redis.call('RPUSH', log,
    seq .. ' ' .. created .. ' ' .. #turn_id .. ' ' .. turn_id .. body)
  redis.call('HSET', turns, turn_id, seq .. ' ' .. fence .. ' ' .. created .. ' ' .. hash)
  redis.call('HSET', meta, 'updated', whole(time))
  release()
  while number(most) > 0 and redis.call('LLEN', log) > number(most) do
    local first, id = parse(redis.call('LINDEX', log, 0))
    redis.call('LTRIM', log, 1, -1)
    redis.call('HDEL', turns, id)
    redis.call('HSET', meta, 'offset', first)
  end
  local fresh = {redis.call('EXISTS', index) == 0, redis.call('EXISTS', tenants) == 0}
  redis.call('ZADD', index, whole(time), name)
  redis.call('SADD', tenants, tenant)
  expire(ttl)
  keep(index, fresh[1], number(ttl))
  keep(tenants, fresh[2], number(ttl))
  return seq
end
"""

LAYOUT = 1
"""The version of what is written here.  A newer one is refused."""

VERSION = Script(
    """
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
"""
)
"""version; what this junto writes.  Gives what was written first."""

LOAD = Script("return redis.call('LRANGE', KEYS[1], -ARGV[1], -1)")
"""log; how many."""

BEGIN = Script(
    _SHARED
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
    _SHARED
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
    _SHARED
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
    _SHARED
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
    _SHARED
    + """
local turn_id, fence, ttl = unpack(ARGV)
if not holds(turn_id, fence) then return end
release()
if redis.call('EXISTS', log) == 0 then redis.call('DEL', meta) else expire(ttl) end
"""
)
"""meta, log, turns; turn id, fence, time to live."""

CLEAR = Script(
    _SHARED
    + """
redis.call('DEL', meta, log, turns)
forget(ARGV[1])
if redis.call('EXISTS', index) == 0 then redis.call('SREM', tenants, ARGV[2]) end
"""
)
"""All five; name, tenant."""

FORGET = Script(
    _SHARED
    + """
if redis.call('EXISTS', log) == 1 then return end
forget(ARGV[1])
if redis.call('EXISTS', index) == 0 then redis.call('SREM', tenants, ARGV[2]) end
"""
)
"""All five; name, tenant: what is over is listed no more."""

PRUNE = Script(
    _SHARED
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
