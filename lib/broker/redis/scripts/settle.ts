import type { RedisValue } from '../../../driver/redis/redis-commands.ts'
import { defineScript } from '../../../driver/redis/redis-script.ts'
import { keepRecordLua } from '../../../result/redis/keep-record.ts'
import { type Deed, deedArgs, deedsLua, listArgs } from './deeds.ts'

/** One claim and how it ends. */
export interface Ending {
  readonly key: string
  /** What stands at its key among the owner's claims: {@link sideOf}. */
  readonly side: string
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

/** What an owner's claims hold at a claim's key. */
export function sideOf(token: number, list: string): string {
  return `${token} ${list}`
}

/** The same for a claim whose message runs alone. */
export function markedAlone(side: string): string {
  return side.replace(' ', '! ')
}

/** What {@link sideOf} and {@link markedAlone} wrote. */
export function readSide(side: string): { token: number; list: string; isAlone: boolean } {
  const at = side.indexOf(' ')
  const isAlone = side[at - 1] === '!'
  return { token: Number(side.slice(0, isAlone ? at - 1 : at)), list: side.slice(at + 1), isAlone }
}

/** The arguments after the named ones. Endings in the rising order of their tokens, so that what goes to the front keeps its order. */
export function settleArgs(endings: readonly Ending[]): RedisValue[] {
  const args: RedisValue[] = []
  for (const { key } of endings) args.push(key)
  for (const { side } of endings) args.push(side)
  args.push(...listArgs(endings.flatMap(({ deeds }) => deeds)))
  for (const { what, record, deeds } of endings) {
    const values = valuesOf(what)
    args.push(what.kind, values.length, ...values)
    if (record === undefined) args.push('')
    else args.push(record.key, record.document, record.keepSeconds)
    args.push(...deedArgs(deeds))
  }
  return args
}

function valuesOf(what: EndingKind): RedisValue[] {
  switch (what.kind) {
    case 'done':
      return []
    case 'ready':
      return [what.list, what.text]
    case 'park':
      return [what.list, what.dueOf, what.dueMs, `${what.toFront ? '>' : '<'}${what.tail}:`, what.entry ?? '']
    case 'dead':
      return [what.deadOf, what.about, what.tail]
    default:
      return what satisfies never
  }
}

/**
 * Ends claims of one owner: each that is valid wholly, the others not at all. A claim is valid while the owner's entry for it stands and
 * kombu has not restored it, which would have taken its key out of the index. The first write frees memory.
 * Replies 1 for each that was valid.
 */
export const settle = defineScript({
  name: 'settle',
  keys: ['unacked', 'unackedIndex', 'claims', 'suspects', 'due', 'dead', 'deadLast'],
  args: ['count', 'letterPrefix'],
  reply: (raw) => raw as readonly (0 | 1)[],
  lua: `${deedsLua}${keepRecordLua}
    local n, valid, live, gone, fronts = tonumber(count), {}, {}, {}, {}
    local sides = redis.call('HMGET', claims, unpack(ARGV, 3, n + 2))
    for i = 1, n do
      valid[i] = sides[i] == ARGV[n + 2 + i] and 1 or 0
      if valid[i] == 1 then live[#live + 1] = ARGV[i + 2] end
    end
    if #live == 0 then return valid end
    local p = check(2 * n + 3)
    local removed = redis.call('ZREM', unackedIndex, unpack(live))
    redis.call('HDEL', claims, unpack(live))
    local function isHeld(key) return redis.call('HEXISTS', unacked, key) + redis.call('HEXISTS', suspects, key) > 0 end
    if removed < #live then
      for i = 1, n do if valid[i] == 1 and not isHeld(ARGV[i + 2]) then valid[i] = 0 end end
    end
    local time = redis.call('TIME')
    local ends = {}
    function ends.done() end
    function ends.ready(key, p) fronts[#fronts + 1] = p end
    function ends.park(key, p)
      gone[#gone] = nil
      if ARGV[p + 4] ~= '' then redis.call('HSET', unacked, key, ARGV[p + 4]) end
      redis.call('ZADD', unackedIndex, string.format('%.3f', ARGV[p + 2] / 1000), key)
      redis.call('ZADD', ARGV[p + 1], ARGV[p + 2], ARGV[p + 3] .. key)
      redis.call('ZADD', due, 'LT', ARGV[p + 2], ARGV[p])
    end
    function ends.dead(key, p)
      local entry, id = redis.call('HGET', unacked, key), redis.call('INCR', deadLast)
      local raw = entry and string.sub(entry, 2, -1 - ARGV[p + 2]) or redis.call('HGET', suspects, key) or ''
      redis.call('HDEL', suspects, key)
      local since = time[1] * 1000 + math.floor(time[2] / 1000)
      redis.call('HSET', letterPrefix .. id, 'about', ARGV[p + 1], 'raw', raw, 'since', string.format('%.0f', since))
      redis.call('ZADD', dead, id, id)
      redis.call('ZADD', ARGV[p], id, id)
    end
    for i = 1, n do
      local really = valid[i] == 1
      if really then
        gone[#gone + 1] = ARGV[i + 2]
        ends[ARGV[p]](ARGV[i + 2], p + 2)
      end
      p = p + 2 + ARGV[p + 1]
      if ARGV[p] == '' then p = p + 1
      else
        if really then keep(ARGV[p], ARGV[p + 1], ARGV[p + 2]) end
        p = p + 3
      end
      p = act(p, really)
    end
    if #gone > 0 then redis.call('HDEL', unacked, unpack(gone)) end
    for i = #fronts, 1, -1 do redis.call('RPUSH', ARGV[fronts[i]], ARGV[fronts[i] + 1]) end
    return valid`,
})
