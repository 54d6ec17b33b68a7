import { systemClock } from '../../../lib/base/clock.ts'
import { readRedisUrl } from '../../../lib/driver/redis/redis-url.ts'
import { RedisResultBackend } from '../../../lib/result/redis/redis-result-backend.ts'
import { resultBackendExam } from '../../../lib/testing/exams/result-backend-exam.ts'
import { needRedis, useSharedRedis } from '../../support/servers.ts'
import { sitExam } from '../sit-exam.ts'

const needed = needRedis()

describe('the result backend exam, on Redis', () => {
  const redis = useSharedRedis(needed)

  sitExam(resultBackendExam, async () => {
    const endpoint = readRedisUrl(redis.freshUrl())
    const backends: RedisResultBackend[] = []
    // A clock of its own gives each connections of its own, as another process has.
    const join = async (): Promise<RedisResultBackend> => {
      const backend = new RedisResultBackend({ endpoint, clock: { ...systemClock } })
      backends.push(backend)
      await backend.start()
      return backend
    }
    return {
      backend: await join(),
      join,
      now: () => systemClock.now(),
      // Redis has a clock of its own, so time really passes; timers may be a moment early.
      advance: (ms) => systemClock.sleep(ms + 2),
      pace: 3,
      async stop() {
        for (const backend of backends) await backend.stop()
      },
    }
  })
})
