// Results on one Redis, read and waited for from both languages: Debian's Python Celery on the other side.
import { spawnSync } from 'node:child_process'
import { assert } from 'chai'
import { silentLogger } from '../../lib/base/logger.ts'
import { type Settings, TaskFailed, Umbel } from '../../lib/index.ts'
import { Worker } from '../../workers/worker.ts'
import { needDebianPackage } from '../support/debian-packages.ts'
import { type StartedProcess, useProcesses } from '../support/processes.ts'
import { needRedis, useSharedRedis } from '../support/servers.ts'
import { until } from '../support/until.ts'

const python = '/usr/bin/python3'
const isThere = (): boolean => spawnSync(python, ['-c', 'import celery, redis, msgpack']).status === 0
const needsRedis = needRedis()
const needsCelery = ['python3-celery', 'python3-redis', 'python3-msgpack'].map((name) =>
  needDebianPackage({ name, isThere }),
)

const head = `
import json, sys
from celery import Celery
from celery.result import AsyncResult
url, serializer = sys.argv[1], sys.argv[2]
app = Celery('interop', backend=url, broker=url)
app.conf.update(result_serializer=serializer, accept_content=['json', 'msgpack'])

class OutOfStock(Exception):
    pass
import types
shop = types.ModuleType('shop')
shop.OutOfStock = OutOfStock
OutOfStock.__module__ = 'shop'
sys.modules['shop'] = shop

def told(id, timeout=10):
    result = AsyncResult(id, app=app)
    try:
        value = result.get(timeout=timeout)
        return {'value': value, 'state': result.state}
    except Exception as error:
        return {'raised': type(error).__name__, 'module': type(error).__module__, 'args': list(error.args),
                'state': result.state, 'traceback': result.traceback}
`

describe('results shared with Python Celery', function () {
  this.timeout(60_000)
  const redis = useSharedRedis(needsRedis)
  const processes = useProcesses()
  const opened: { stop(): Promise<void> }[] = []
  before(function () {
    for (const needed of needsCelery) needed(this)
  })
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.stop()
  })
  let stores = 0
  const start = async (backend: string, settings: Settings = {}): Promise<Umbel> => {
    const broker = `memory://interop-${process.pid}-${++stores}`
    const app = new Umbel('interop', { broker, backend, logger: silentLogger, ...settings })
    opened.push({ stop: () => app.close() })
    return app
  }
  const work = async (app: Umbel): Promise<void> => {
    const worker = new Worker(app)
    opened.push(worker)
    await worker.start()
  }
  const celery = (url: string, serializer: string, program: string): StartedProcess =>
    processes.start(python, ['-c', head + program, url, serializer], { name: 'python' })

  for (const resultSerializer of ['json', 'msgpack'] as const) {
    it(`of ours are got by Python, with errors as their own type, in ${resultSerializer}`, async () => {
      class OutOfStock extends Error {
        override name = 'OutOfStock'
        constructor(article: string, left: number) {
          super(`${article}: ${left}`)
          Object.assign(this, { args: [article, left] })
        }
      }
      const url = redis.freshUrl()
      const app = await start(url, { resultSerializer })
      const ids = new Map<string, string>()
      const cases: Record<string, () => unknown> = {
        number: () => 3,
        nothing: () => undefined,
        unicode: () => 'ä€😀\u0000 \u2028',
        list: () => [1, 2.5, { a: null, b: [true] }],
        big: () => 2n ** 60n,
        long: () => 'x'.repeat(1_000_000),
        range: () => {
          throw new RangeError('out of range')
        },
        type: () => {
          throw new TypeError('not that')
        },
        own: () => {
          throw new OutOfStock('shoe', 7)
        },
      }
      const tasks = Object.entries(cases).map(([name, run]) => [name, app.task(name, run)] as const)
      await work(app)
      for (const [name, task] of tasks) ids.set(name, (await task.delay()).id)

      const one = celery(
        url,
        resultSerializer,
        `print(json.dumps({name: told(id) for name, id in json.loads(sys.stdin.read()).items()}))`.replace(
          'sys.stdin.read()',
          `'''${JSON.stringify(Object.fromEntries(ids))}'''`,
        ),
      )
      await one.succeeds({ withinMs: 40_000 })
      const got = JSON.parse(one.stdout.replace('1152921504606846976', '"2^60"'))

      for (const [name, value] of Object.entries({
        number: 3,
        nothing: null,
        unicode: 'ä€😀\u0000 \u2028',
        list: [1, 2.5, { a: null, b: [true] }],
        big: '2^60',
        long: 'x'.repeat(1_000_000),
      }))
        assert.deepEqual(got[name], { value, state: 'SUCCESS' }, name)
      assert.deepInclude(got.range, { raised: 'ValueError', module: 'builtins', args: ['out of range'] })
      assert.deepInclude(got.type, { raised: 'TypeError', module: 'builtins', state: 'FAILURE' })
      assert.equal(got.own.raised, 'OutOfStock')
      assert.include(got.range.traceback, 'RangeError: out of range')
    })
  }

  it('of ours reach Python while it waits', async () => {
    const url = redis.freshUrl()
    const app = await start(url)
    const slow = app.task('slow', () => 'done')
    const result = await slow.delay()
    const one = celery(url, 'json', `print(json.dumps(told('${result.id}', timeout=30)))`)
    const key = `celery-task-meta-${result.id}`
    await until(async () => (await redis.server.run('PUBSUB', 'NUMSUB', key)).includes(':1'), {
      what: 'Python to wait',
      withinMs: 30_000,
      seen: () => one.output,
    })

    await work(app)

    await one.succeeds({ withinMs: 30_000 })
    assert.deepEqual(JSON.parse(one.stdout), { value: 'done', state: 'SUCCESS' })
  })

  for (const serializer of ['json', 'msgpack']) {
    it(`of Python are got by us, with errors as what they are, in ${serializer}`, async () => {
      const url = redis.freshUrl()
      const app = await start(url)
      const waiting = app.result('waited-for').get({ timeout: '40s' })
      await until(
        async () => (await redis.server.run('PUBSUB', 'NUMSUB', 'celery-task-meta-waited-for')).includes(':1'),
        {
          what: 'us to wait',
        },
      )

      const one = celery(
        url,
        serializer,
        `
store = app.backend.store_result
store('value', {'a': [1, 2.5, None, 'ä€😀'], 'big': 2 ** 60}, 'SUCCESS')
store('progress', {'done': 3}, 'PROGRESS')
app.backend.mark_as_failure('builtin', ValueError('bad'), traceback='Traceback: here')
app.backend.mark_as_failure('own', OutOfStock('shoe', 7), traceback='Traceback: there')
app.backend.mark_as_revoked('revoked', 'revoked')
app.backend.mark_as_retry('retry', KeyError('again'))
store('waited-for', 'at last', 'SUCCESS')
store('final', 'first', 'SUCCESS')
`,
      )
      await one.succeeds({ withinMs: 40_000 })

      assert.equal(await waiting, 'at last')
      assert.deepEqual(await app.result('value').get({ timeout: '5s' }), {
        a: [1, 2.5, null, 'ä€😀'],
        big: 1152921504606846976n,
      })
      assert.equal(await app.result('progress').state(), 'PROGRESS')
      assert.equal(await app.result('retry').state(), 'RETRY')
      assert.equal(await app.result('revoked').state(), 'REVOKED')
      const builtin = await errorOf(app.result('builtin').get({ timeout: '5s' }))
      assert.instanceOf(builtin, RangeError)
      const own = await errorOf(app.result('own').get({ timeout: '5s' }))
      assert.instanceOf(own, TaskFailed)
      assert.deepInclude(own, { type: 'OutOfStock', module: 'shop' } as object)
      assert.deepEqual((own as TaskFailed).args as unknown[], ['shoe', 7])
      const revoked = await errorOf(app.result('revoked').get({ timeout: '5s' }))
      assert.deepInclude(revoked, { code: 'UMBEL_TASK_REVOKED' } as object)
    })
  }

  it('of Python are not seen under a prefix of ours', async () => {
    const url = redis.freshUrl()
    const app = await start(url, { resultBackendTransportOptions: { globalKeyprefix: 'apart' } })
    const one = celery(url, 'json', `app.backend.store_result('a', 1, 'SUCCESS')`)
    await one.succeeds({ withinMs: 40_000 })

    assert.equal(await app.result('a').state(), 'PENDING')
  })
})

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    (value) => assert.fail(`resolved with ${String(value)}`),
    (error: Error) => error,
  )
}
