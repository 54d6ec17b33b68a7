import { systemClock } from '../../../lib/base/clock.ts'
import { readRedisUrl } from '../../../lib/driver/redis/redis-url.ts'
import { RedisStateStore } from '../../../lib/state/redis/redis-state-store.ts'
import { stateStoreExam } from '../../../lib/testing/exams/state-store-exam.ts'
import { needRedis, useSharedRedis } from '../../support/servers.ts'
import { sitExam } from '../sit-exam.ts'

const needed = needRedis()

describe('the state store exam, on Redis', () => {
  const redis = useSharedRedis(needed)

  sitExam(stateStoreExam, async () => {
    const endpoint = readRedisUrl(redis.freshUrl())
    const stores: RedisStateStore[] = []
    // A clock of its own gives each connections of its own, as another process has.
    const join = async (): Promise<RedisStateStore> => {
      const state = new RedisStateStore({ endpoint, clock: { ...systemClock } })
      stores.push(state)
      await state.start()
      return state
    }
    return {
      state: await join(),
      join,
      // Redis has a clock of its own, so time really passes; timers may be a moment early.
      advance: (ms) => systemClock.sleep(ms + 2),
      pace: 3,
      async stop() {
        for (const state of stores) await state.stop()
      },
    }
  })
})
