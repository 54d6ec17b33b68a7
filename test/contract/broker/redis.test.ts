import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { RedisBroker } from '../../../lib/broker/redis/redis-broker.ts'
import { openRedisServer } from '../../../lib/driver/redis/redis-server.ts'
import { readRedisUrl } from '../../../lib/driver/redis/redis-url.ts'
import type { Fetched, ResultBackend } from '../../../lib/result/result-backend.ts'
import { brokerExam } from '../../../lib/testing/exams/broker-exam.ts'
import type { BrokerUnderExam } from '../../../lib/testing/exams/broker-under-exam.ts'
import { needRedis, useSharedRedis } from '../../support/servers.ts'
import { sitExam } from '../sit-exam.ts'

const needed = needRedis()

describe('the broker exam, in Redis', () => {
  const redis = useSharedRedis(needed)

  sitExam(brokerExam, () => make(redis.freshUrl()), {
    'a record with a give-back is stored too': 'there is no result backend on Redis yet that reads the state back',
  })
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
  return {
    broker: await join(),
    results: { fetch: (ids) => fetchDocuments(server, ids) } as ResultBackend,
    join,
    now: () => systemClock.now(),
    advance: (ms) => systemClock.sleep(ms),
    // Only a thread renews the lease, and there is none here.
    hang: async () => () => {},
    damage: async (queue, raw) => void (await server.command('LPUSH', [queue, raw])),
    async stop() {
      for (const broker of brokers) await broker.stop()
      await server.command('FLUSHDB')
      await server.release()
    },
  }
}

function anotherClock(): Clock {
  return { ...systemClock }
}

/** Until the exam of result backends has been passed by one on Redis. */
async function fetchDocuments(server: ReturnType<typeof openRedisServer>, ids: readonly string[]): Promise<Fetched[]> {
  const found = (await server.command(
    'MGET',
    ids.map((id) => `celery-task-meta-${id}`),
  )) as (string | null)[]
  return found.map((document, index) => {
    if (document === null) return { kind: 'absent' }
    return { kind: 'record', record: { id: ids[index]!, state: 'SUCCESS', document, contentType: 'application/json' } }
  })
}
