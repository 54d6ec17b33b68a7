import type { RedisValue } from '../../../driver/redis/redis-commands.ts'

/** One command that a script runs as it is told: its name, key and arguments. Made by us alone, never from what a message says. */
export type Deed = readonly [
  command: 'LPUSH' | 'PUBLISH' | 'ZADD' | 'ZREM' | 'SADD' | 'HSET',
  key: string,
  ...args: RedisValue[],
]

/** As arguments of a script that holds {@link deedsLua}: how many, and for each its name, how many values follow, and these. */
export function deedArgs(deeds: readonly Deed[]): RedisValue[] {
  const args: RedisValue[] = [deeds.length]
  for (const [command, ...values] of deeds) args.push(command, values.length, ...values)
  return args
}

/** The lists that deeds push to, with their count before them: read before anything is written, so that a key of another kind stops all. */
export function listArgs(deeds: readonly Deed[]): RedisValue[] {
  const lists = new Set(deeds.filter(([command]) => command === 'LPUSH').map(([, key]) => key))
  return [lists.size, ...lists]
}

/** Lua: `act(p)` runs the deeds from argument `p` on, `check(p)` reads the lists; each gives the place after them. */
export const deedsLua = `
  local function check(p)
    local last = p + tonumber(ARGV[p])
    for i = p + 1, last do redis.call('LLEN', ARGV[i]) end
    return last + 1
  end
  local function act(p, really)
    local count = tonumber(ARGV[p])
    p = p + 1
    for _ = 1, count do
      local last = p + 1 + tonumber(ARGV[p + 1])
      if really then redis.call(ARGV[p], unpack(ARGV, p + 2, last)) end
      p = last + 1
    end
    return p
  end`
