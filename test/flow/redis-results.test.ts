import { assert } from 'chai'
import { silentLogger } from '../../lib/base/logger.ts'
import { type Settings, TaskFailed, Umbel } from '../../lib/index.ts'
import { Worker } from '../../workers/worker.ts'
import { needRedis, useRedisServers, useSharedRedis } from '../support/servers.ts'
import { until } from '../support/until.ts'

const needed = needRedis()

describe('results kept in Redis', () => {
  const redis = useSharedRedis(needed)
  const servers = useRedisServers(needed)
  const opened: { stop(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.stop()
  })
  let stores = 0
  const start = async (settings: Settings): Promise<Umbel> => {
    const broker = `memory://redis-results-${process.pid}-${++stores}`
    const app = new Umbel('results', { broker, logger: silentLogger, ...settings })
    opened.push({ stop: () => app.close() })
    return app
  }
  const work = async (app: Umbel): Promise<void> => {
    const worker = new Worker(app)
    opened.push(worker)
    await worker.start()
  }

  for (const resultSerializer of ['json', 'msgpack'] as const) {
    it(`come back with the value or the error, in ${resultSerializer}`, async () => {
      const app = await start({ backend: redis.freshUrl(), resultSerializer })
      const divide = app.task('math.divide', (x: number, y: number) => {
        if (y === 0) throw new RangeError('division by zero')
        return { quotient: x / y }
      })
      await work(app)

      const [good, bad] = [await divide.delay(1, 4), await divide.delay(1, 0)]

      assert.deepEqual(await good.get({ timeout: '10s' }), { quotient: 0.25 })
      const outcome = await bad.outcome({ timeout: '10s' })
      assert.instanceOf(outcome.kind === 'failed' && outcome.error, RangeError)
      assert.equal(await bad.state(), 'FAILURE')
      assert.isTrue(await good.forget().then(() => true))
      assert.equal(await good.state(), 'PENDING')
    })
  }

  it('stand under the prefix of the transport options, for as long as `resultExpires` says', async () => {
    const own = await servers.start()
    const app = await start({
      backend: own.url(3),
      resultExpires: '1h',
      resultBackendTransportOptions: { globalKeyprefix: 'shop' },
    })
    const one = app.task('one', () => 1)
    await work(app)

    const result = await one.delay()
    assert.equal(await result.get({ timeout: '10s' }), 1)

    const info = await own.run('INFO', 'keyspace')
    assert.include(info, 'db3:')
    const client = await own.run('CLIENT', 'LIST')
    assert.match(client, /db=3/)
    assert.include(await ttlOf(own, `shop_celery-task-meta-${result.id}`, 3), '1h')
  })

  it('of an error of Python are rebuilt as it says', async () => {
    const url = redis.freshUrl()
    const app = await start({ backend: url })
    const nobody = app.task('nobody', () => {})
    const result = await nobody.delay()
    const waiting = result.get({ timeout: '10s' }).catch((error: Error) => error)
    const key = `celery-task-meta-${result.id}`
    await until(async () => (await redis.server.run('PUBSUB', 'CHANNELS', key)).includes(key), {
      what: 'the subscription',
    })

    await redis.server.run(
      'PUBLISH',
      key,
      `{"status": "FAILURE", "result": {"exc_type": "OutOfStock", "exc_message": ["shoe", 7], "exc_module": "shop.errors"}, "traceback": "Traceback …", "children": [], "date_done": "2026-11-22T13:37:49.415620+00:00", "task_id": "${result.id}"}`,
    )

    const error = (await waiting) as TaskFailed
    assert.instanceOf(error, TaskFailed)
    assert.deepInclude(error, { type: 'OutOfStock', module: 'shop.errors' })
    assert.deepEqual(error.args as unknown[], ['shoe', 7])
  })

  it('are refused with the reason when the server is not there', async () => {
    const own = await servers.start()
    const { port } = own
    await own.kill()
    const app = await start({ backend: `redis://:hush@127.0.0.1:${port}`, redisSocketTimeout: '200ms' })
    const nobody = app.task('nobody', () => {})
    const result = await nobody.delay()

    const error = await result.state().then(
      () => assert.fail('it was read'),
      (reason: Error) => reason,
    )

    assert.deepInclude(error, { code: 'UMBEL_BROKER_UNAVAILABLE' } as object)
    assert.match(error.message, /Could not connect on redis:\/\/127.*Is Redis running\?/)
    assert.notInclude(error.message, 'hush')
  })
})

async function ttlOf(server: { run(...words: string[]): Promise<string> }, key: string, db: number): Promise<string> {
  // Run on a connection of its own, which begins in database 0.
  const ttl = Number(
    await server.run('EVAL', `redis.call('SELECT', ${db}) return redis.call('TTL', KEYS[1])`, '1', key),
  )
  return ttl > 3_590 && ttl <= 3_600 ? '1h' : String(ttl)
}
