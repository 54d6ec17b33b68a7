import type { RedisValue } from '../../../driver/redis/redis-commands.ts'
import { defineScript } from '../../../driver/redis/redis-script.ts'
import { keepRecordLua } from '../../../result/redis/keep-record.ts'
import { type Deed, deedArgs, deedsLua, listArgs } from './deeds.ts'

/** One claim and how it ends. */
export interface Ending {
  readonly key: string
  readonly what: EndingKind
  readonly record?: RecordArgs | undefined
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

/** A record as Celery keeps and publishes it. */
export interface RecordArgs {
  readonly key: string
  readonly document: string | Uint8Array
  /** Seconds; 0 for ever. */
  readonly keepSeconds: number
}

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
  const deeds: RedisValue[] = []
  for (const [index, { key, what, deeds: own }] of endings.entries()) {
    args.push(key)
    if (what.kind !== 'done') moves.push(index + 1, what.kind, ...valuesOf(what))
    if (own.length > 0) deeds.push(index + 1, ...deedArgs(own))
  }
  const lists = deeds.length === 0 ? [0] : listArgs(endings.flatMap((ending) => ending.deeds))
  args.push(...lists, moves.length, ...moves)
  pushRecords(args, endings)
  args.push(...deeds)
  return args
}

/** By how long they are kept, which is nearly always equally long: the count, the seconds, the claims' numbers, the keys, the documents. */
function pushRecords(args: RedisValue[], endings: readonly Ending[]): void {
  const groups = new Map<number, { numbers: number[]; keys: string[]; documents: RedisValue[] }>()
  for (const [index, { record }] of endings.entries()) {
    if (record === undefined) continue
    let group = groups.get(record.keepSeconds)
    if (group === undefined) {
      group = { numbers: [], keys: [], documents: [] }
      groups.set(record.keepSeconds, group)
    }
    group.numbers.push(index + 1)
    group.keys.push(record.key)
    group.documents.push(record.document)
  }
  args.push(groups.size)
  for (const [keepSeconds, { numbers, keys, documents }] of groups) {
    args.push(keys.length, keepSeconds)
    // Where each claim has a record, its number says nothing.
    if (keys.length < endings.length) args.push(...numbers)
    args.push(...keys, ...documents)
  }
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
  args: ['count', 'letterPrefix'],
  reply: (raw) => raw as readonly (0 | 1)[],
  lua: `${deedsLua}${keepRecordLua}
    local n, valid = tonumber(count), {}
    local p = check(n + 3)
    local areAll = redis.call('ZREM', unackedIndex, unpack(ARGV, 3, n + 2)) == n
    for i = 1, n do
      local key = ARGV[i + 2]
      -- What can be no message is not in the index; what is still held and not there was never anybody else's.
      local isHeld = areAll or redis.call('HEXISTS', unacked, key) + redis.call('HEXISTS', suspects, key) > 0
      valid[i] = isHeld and 1 or 0
    end
    redis.call('HDEL', claims, unpack(ARGV, 3, n + 2))
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
      if ARGV[at + 1] ~= 'ready' then entries[i] = redis.call('HGET', unacked, ARGV[i + 2]) end
      at = at + 3 + ARGV[at + 2]
    end
    redis.call('HDEL', unacked, unpack(ARGV, 3, n + 2))
    at = p + 1
    while at <= last do
      local i = tonumber(ARGV[at])
      if valid[i] == 1 then moves[ARGV[at + 1]](ARGV[i + 2], at + 3, entries[i]) end
      at = at + 3 + ARGV[at + 2]
    end
    for i = #fronts, 1, -1 do redis.call('RPUSH', ARGV[fronts[i]], ARGV[fronts[i] + 1]) end
    p = last + 2
    for _ = 1, tonumber(ARGV[last + 1]) do
      local m, keepSeconds, numbers = tonumber(ARGV[p]), ARGV[p + 1], nil
      p = p + 2
      if m < n then numbers, p = p, p + m end
      local olds, isKept = redis.call('MGET', unpack(ARGV, p, p + m - 1)), {}
      for j = 0, m - 1 do
        local i, key, document = numbers and tonumber(ARGV[numbers + j]) or j + 1, ARGV[p + j], ARGV[p + m + j]
        if valid[i] == 1 then
          keep(key, isKept[key] or olds[j + 1], document, keepSeconds)
          isKept[key] = document
        end
      end
      p = p + 2 * m
    end
    while p <= #ARGV do p = act(p + 1, valid[tonumber(ARGV[p])] == 1) end
    return valid`,
})
