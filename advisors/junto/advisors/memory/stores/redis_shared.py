"""What the scripts of a Redis store begin with: functions, in Lua."""

from __future__ import annotations

__all__ = ["SHARED"]

SHARED = """
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
