import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { RedisBroker } from '../../../lib/broker/redis/redis-broker.ts'
import { openRedisServer } from '../../../lib/driver/redis/redis-server.ts'
import { readRedisUrl } from '../../../lib/driver/redis/redis-url.ts'
import { RedisResultBackend } from '../../../lib/result/redis/redis-result-backend.ts'
import { brokerExam } from '../../../lib/testing/exams/broker-exam.ts'
import type { BrokerUnderExam } from '../../../lib/testing/exams/broker-under-exam.ts'
import { needRedis, useSharedRedis } from '../../support/servers.ts'
import { sitExam } from '../sit-exam.ts'

const needed = needRedis()

describe('the broker exam, in Redis', () => {
  const redis = useSharedRedis(needed)

  sitExam(brokerExam, () => make(redis.freshUrl()))
})

async function make(url: string): Promise<BrokerUnderExam> {
  const endpoint = readRedisUrl(url)
  const brokers: RedisBroker[] = []
  // Another clock that tells the same time: connections of its own, as another process has.
  const join = async (): Promise<RedisBroker> => {
    const broker = new RedisBroker({ endpoint, clock: anotherClock() })
    brokers.push(broker)
    await broker.start()
    return broker
  }
  const server = openRedisServer({ endpoint, clock: anotherClock() })
  const results = new RedisResultBackend({ endpoint, clock: anotherClock() })
  await results.start()
  return {
    broker: await join(),
    results,
    join,
    now: () => systemClock.now(),
    advance: (ms) => systemClock.sleep(ms),
    // Only a thread renews the lease, and there is none here.
    hang: async () => () => {},
    damage: async (queue, raw) => void (await server.command('LPUSH', [queue, raw])),
    async stop() {
      for (const broker of brokers) await broker.stop()
      await results.stop()
      await server.command('FLUSHDB')
      await server.release()
    },
  }
}

function anotherClock(): Clock {
  return { ...systemClock }
}
