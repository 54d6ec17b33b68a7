import { defineScript } from '../../../driver/redis/redis-script.ts'

/** What one claim found. */
export interface Claimed {
  /** Of the first element; each further one has one more. */
  readonly token: number
  /** The server's clock, ms since the epoch. */
  readonly nowMs: number
  /** In the order of their claim keys. */
  readonly elements: readonly ClaimedFrom[]
  /** The next would be too much in bytes. */
  readonly isMore: boolean
}

export interface ClaimedFrom {
  /** Index of the list that it was in. */
  readonly list: number
  /** Exactly what was in the list; its size where that is over `maxBytes`. */
  readonly element: Buffer | number
}

/**
 * Takes up to `room` elements of `roomBytes` together (one may be larger if the claimer `isEmpty`), list by list: each list of one step of priority an equal share, then the next step. Records them as unacked in
 * the same act, under keys of the claimer's, as kombu would; the first write frees memory. What can be no JSON object is kept apart, since
 * one in `unacked` ends every restore of kombu's. Where room is left, the lists' lengths are read last, which arms the tracking of them.
 * Undefined when the owner is not, or no longer, known under that record.
 *
 * Keys that follow: the lists, one step after the other. Arguments that follow: for each queue its name and what closes its entry.
 */
export const claim = defineScript({
  name: 'claim',
  keys: ['unacked', 'unackedIndex', 'claims', 'owner', 'tokens', 'suspects', 'pausedQueues'],
  args: ['record', 'keyPrefix', 'sequence', 'room', 'roomBytes', 'isEmpty', 'maxBytes'],
  rest: { keys: 'lists', args: 'queues' },
  buffers: true,
  reply: (raw) => (raw === null ? undefined : readReply(raw as Reply)),
  lua: `
    if redis.call('GET', owner) ~= record then return false end
    local paused = {}
    for _, name in ipairs(redis.call('SMEMBERS', pausedQueues)) do paused[name] = true end
    local width, left, portion, count, taken, isMore = #queues / 2, tonumber(room), 8, 0, {}, 0
    local bytes, most = tonumber(roomBytes), tonumber(maxBytes)
    local held, scores, sides, time = {}, {}, {}, redis.call('TIME')
    local function take(i, share)
      local got = redis.call('RPOP', lists[i], share)
      if not got then return false end
      local closing, side = queues[2 * ((i - 1) % width + 1)], '=' .. lists[i]
      for n, element in ipairs(got) do
        if #element > bytes and (count + n > 1 or isEmpty == '0') then
          -- Back to where it was, with all that came after it.
          for j = #got, n, -1 do redis.call('RPUSH', lists[i], got[j]) got[j] = nil end
          isMore = 1
          break
        end
        local key = keyPrefix .. (sequence + count + n)
        sides[#sides + 1] = key
        sides[#sides + 1] = side
        if string.byte(element, 1) == 123 and string.byte(element, -1) == 125 then
          held[#held + 1] = key
          held[#held + 1] = '[' .. element .. closing
          scores[#scores + 1] = time[1]
          scores[#scores + 1] = key
        else redis.call('HSET', suspects, key, element) end
        bytes = bytes - #element
        if #element > most then got[n] = #element end
      end
      count, left = count + #got, isMore == 0 and left - #got or 0
      taken[#taken + 1] = i
      taken[#taken + 1] = got
      return #got == share
    end
    for first = 0, #lists - width, width do
      local open = {}
      for q = 1, width do if not paused[queues[2 * q - 1]] then open[#open + 1] = first + q end end
      while left > 0 and #open > 0 do
        local still = {}
        for at, i in ipairs(open) do
          local share = math.min(portion, math.ceil(left / (#open - at + 1)))
          if share > 0 and take(i, share) then still[#still + 1] = i end
        end
        open, portion = still, portion * 4
      end
    end
    local token = 0
    if count > 0 then
      token = redis.call('INCRBY', tokens, count) - count + 1
      redis.call('HSET', claims, unpack(sides))
      if #held > 0 then
        redis.call('HSET', unacked, unpack(held))
        redis.call('ZADD', unackedIndex, unpack(scores))
      end
    end
    if left > 0 then for _, list in ipairs(lists) do redis.call('LLEN', list) end end
    return { token, time[1] * 1000 + math.floor(time[2] / 1000), taken, isMore }`,
})

type Reply = readonly [
  token: number,
  nowMs: number,
  taken: readonly (number | readonly (Buffer | number)[])[],
  isMore: 0 | 1,
]

function readReply([token, nowMs, taken, isMore]: Reply): Claimed {
  const elements: ClaimedFrom[] = []
  for (let at = 0; at < taken.length; at += 2) {
    const list = (taken[at] as number) - 1
    for (const element of taken[at + 1] as readonly (Buffer | number)[]) elements.push({ list, element })
  }
  return { token, nowMs, elements, isMore: isMore === 1 }
}
