import type { RedisValue } from '../../../driver/redis/redis-commands.ts'
import { defineScript } from '../../../driver/redis/redis-script.ts'
import { keepRecordLua, valuesPerRecord } from '../../../result/redis/scripts/keep-records.ts'
import { type Deed, deedArgs, deedsLua, listArgs } from './deeds.ts'

/** One claim and how it ends. */
export interface Ending {
  readonly key: string
  readonly what: EndingKind
  /** What `keepRecord` takes. */
  readonly record?: readonly RedisValue[] | undefined
  /** Done if the claim is valid, and only then. */
  readonly deeds: readonly Deed[]
}

export type EndingKind =
  | { readonly kind: 'done' }
  /** To the front of the list, as this text. */
  | { readonly kind: 'ready'; readonly list: string; readonly text: string }
  /** Kept until `dueMs`, then to the front or the back of the list; as this text, where given. */
  | {
      readonly kind: 'park'
      readonly list: string
      readonly dueOf: string
      readonly dueMs: number
      readonly toFront: boolean
      /** How many bytes stand behind the envelope in its entry of `unacked`. */
      readonly tail: number
      /** The whole entry, where it changes. */
      readonly entry: string | undefined
    }
  /** Among the dead letters, with its raw bytes and what is known `about` it: a JSON object. */
  | { readonly kind: 'dead'; readonly deadOf: string; readonly about: string; readonly tail: number }

/** What an owner's claims hold at a claim's key: its list, and whether its message runs alone. */
export function sideOf(list: string, isAlone = false): string {
  return `${isAlone ? '!' : '='}${list}`
}

/** What {@link sideOf} wrote. */
export function readSide(side: string): { list: string; isAlone: boolean } {
  return { list: side.slice(1), isAlone: side.startsWith('!') }
}

/**
 * The arguments after the named ones: all keys, the lists that are pushed to, what becomes of those that are not just done, then records and
 * deeds; each with the number of its claim. Endings in the order of their claims, so that what goes to the front keeps it.
 */
export function settleArgs(endings: readonly Ending[]): RedisValue[] {
  const args: RedisValue[] = []
  const moves: RedisValue[] = []
  const records: RedisValue[] = []
  const deeds: RedisValue[] = []
  for (const [index, { key, what, record, deeds: own }] of endings.entries()) {
    args.push(key)
    if (what.kind !== 'done') moves.push(index + 1, what.kind, ...valuesOf(what))
    if (record !== undefined) records.push(index + 1, ...record)
    if (own.length > 0) deeds.push(index + 1, ...deedArgs(own))
  }
  const lists = deeds.length === 0 ? [0] : listArgs(endings.flatMap((ending) => ending.deeds))
  args.push(...lists, moves.length)
  for (const part of [moves, [records.length], records, deeds]) for (const value of part) args.push(value)
  return args
}

function valuesOf(what: EndingKind): RedisValue[] {
  switch (what.kind) {
    case 'done':
      return []
    case 'ready':
      return [2, what.list, what.text]
    case 'park':
      return [5, what.list, what.dueOf, what.dueMs, `${what.toFront ? '>' : '<'}${what.tail}:`, what.entry ?? '']
    case 'dead':
      return [3, what.deadOf, what.about, what.tail]
    default:
      return what satisfies never
  }
}

/**
 * Ends claims of one owner: each that is valid wholly, the others not at all. A claim is valid while its key is in kombu's index: the key is
 * of one claim alone, and both kombu and we take it out when we give the message to somebody else. The first write frees memory.
 * Replies 1 for each that was valid.
 */
export const settle = defineScript({
  name: 'settle',
  keys: ['unacked', 'unackedIndex', 'claims', 'suspects', 'due', 'dead', 'deadLast'],
  args: ['count', 'letterPrefix', 'sidePrefix'],
  reply: (raw) => raw as readonly (0 | 1)[],
  lua: `${deedsLua}${keepRecordLua}
    local n, valid = tonumber(count), {}
    local p = check(n + 4)
    local areAll = redis.call('ZREM', unackedIndex, unpack(ARGV, 4, n + 3)) == n
    for i = 1, n do
      local key = ARGV[i + 3]
      -- What can be no message is not in the index; what is still held and not there was never anybody else's.
      local isHeld = areAll or redis.call('HEXISTS', unacked, key) + redis.call('HEXISTS', suspects, key) > 0
      valid[i] = isHeld and 1 or 0
    end
    redis.call('HDEL', claims, unpack(ARGV, 4, n + 3))
    local last, fronts, moves = p + tonumber(ARGV[p]), {}, {}
    function moves.ready(key, p) fronts[#fronts + 1] = p end
    function moves.park(key, p, entry)
      if ARGV[p + 4] ~= '' then entry = ARGV[p + 4] end
      redis.call('HSET', unacked, key, entry)
      redis.call('ZADD', unackedIndex, string.format('%.3f', ARGV[p + 2] / 1000), key)
      redis.call('ZADD', ARGV[p + 1], ARGV[p + 2], ARGV[p + 3] .. key)
      redis.call('ZADD', due, 'LT', ARGV[p + 2], ARGV[p])
    end
    function moves.dead(key, p, entry)
      local raw = entry and string.sub(entry, 2, -1 - ARGV[p + 2]) or redis.call('HGET', suspects, key) or ''
      local time, id = redis.call('TIME'), redis.call('INCR', deadLast)
      local since = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
      redis.call('HDEL', suspects, key)
      redis.call('HSET', letterPrefix .. id, 'about', ARGV[p + 1], 'raw', raw, 'since', since)
      redis.call('ZADD', dead, id, id)
      redis.call('ZADD', ARGV[p], id, id)
    end
    local entries, at = {}, p + 1
    while at <= last do
      local i = tonumber(ARGV[at])
      if ARGV[at + 1] ~= 'ready' then entries[i] = redis.call('HGET', unacked, ARGV[i + 3]) end
      at = at + 3 + ARGV[at + 2]
    end
    redis.call('HDEL', unacked, unpack(ARGV, 4, n + 3))
    at = p + 1
    while at <= last do
      local i = tonumber(ARGV[at])
      if valid[i] == 1 then moves[ARGV[at + 1]](ARGV[i + 3], at + 3, entries[i]) end
      at = at + 3 + ARGV[at + 2]
    end
    for i = #fronts, 1, -1 do redis.call('RPUSH', ARGV[fronts[i]], ARGV[fronts[i] + 1]) end
    p, last = last + 2, last + 1 + tonumber(ARGV[last + 1])
    for at = p, last, ${valuesPerRecord + 1} do
      if valid[tonumber(ARGV[at])] == 1 then keepRecord(ARGV, at + 1, sidePrefix) end
    end
    p = last + 1
    while p <= #ARGV do p = act(p + 1, valid[tonumber(ARGV[p])] == 1) end
    return valid`,
})
