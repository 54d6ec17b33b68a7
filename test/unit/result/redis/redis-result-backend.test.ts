import { assert } from 'chai'
import { type Clock, systemClock } from '../../../../lib/base/clock.ts'
import { readRedisUrl } from '../../../../lib/driver/redis/redis-url.ts'
import type { Encoded } from '../../../../lib/message/encoded.ts'
import { Serializers } from '../../../../lib/message/serializer.ts'
import { RedisResultBackend } from '../../../../lib/result/redis/redis-result-backend.ts'
import type { Fetched } from '../../../../lib/result/result-backend.ts'
import { ResultCodec } from '../../../../lib/result/result-codec.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { needRedis, useRedisServers, useSharedRedis } from '../../../support/servers.ts'
import { until } from '../../../support/until.ts'
import { celeryVersions, fixture } from '../../../wire/captured.ts'

const needed = needRedis()

describe('results on Redis', () => {
  const redis = useSharedRedis(needed)
  const servers = useRedisServers(needed)
  const opened: RedisResultBackend[] = []
  afterEach(async () => {
    for (const backend of opened.splice(0)) await backend.stop()
  })
  const open = async (
    url = redis.freshUrl(),
    options: { keyPrefix?: string; clock?: Clock } = {},
  ): Promise<RedisResultBackend> => {
    const backend = new RedisResultBackend({ endpoint: readRedisUrl(url), clock: systemClock, ...options })
    opened.push(backend)
    await backend.start()
    return backend
  }
  it('are Celery’s documents under Celery’s keys, published on the channel of the key, with an end', async () => {
    const own = await servers.start()
    const backend = await open(own.url())
    const codec = await makeCodec('json')
    const listener = await open(own.url(), { clock: { ...systemClock } })
    const seen: Fetched[] = []
    listener.watch('t1', (found) => seen.push(found))
    await until(async () => /celery-task-meta-t1/.test(await own.run('PUBSUB', 'CHANNELS')), {
      what: 'the subscription',
    })
    const record = codec.make('SUCCESS', encoded('3'), { id: 't1', now: Date.now() })

    await backend.keep([record])

    const stored = await own.run('GET', 'celery-task-meta-t1')
    assert.equal(stored, record.document)
    assert.deepInclude(JSON.parse(stored), { status: 'SUCCESS', result: 3, traceback: null, task_id: 't1' })
    assert.approximately(Number(await own.run('PTTL', 'celery-task-meta-t1')), 86_400_000, 5_000)
    await until(() => seen.length > 0, { what: 'the publication' })
    assert.equal((seen[0] as { record: { document: string } }).record.document, stored)
    assert.deepEqual(await keysOf(own), ['celery-task-meta-t1', 'umbel-expired-*'])
  })

  it('that never expire have no end and leave no trace', async () => {
    const own = await servers.start()
    const backend = await open(own.url())

    await backend.keep([
      { id: 'a', state: 'SUCCESS', document: '{"status":"SUCCESS"}', contentType: 'application/json' },
    ])

    assert.equal(await own.run('TTL', 'celery-task-meta-a'), '-1')
    assert.deepEqual(await keysOf(own), ['celery-task-meta-a'])
  })

  it('stand under a prefix, which is separated from the key as Celery does', async () => {
    const own = await servers.start()
    const plain = await open(own.url(), { keyPrefix: 'app' })
    const marked = await open(own.url(), { keyPrefix: 'app:', clock: { ...systemClock } })
    const record = { id: 'a', state: 'SUCCESS', document: '{"status":"SUCCESS"}', contentType: 'application/json' }

    await plain.keep([record])
    await marked.keep([record])

    assert.deepEqual(await keysOf(own), ['app:celery-task-meta-a', 'app_celery-task-meta-a'])
    assert.equal((await plain.fetch(['a']))[0]?.kind, 'record')
    assert.equal((await (await open(own.url(), { clock: { ...systemClock } })).fetch(['a']))[0]?.kind, 'absent')
  })

  for (const version of celeryVersions) {
    for (const kind of ['', '-extended']) {
      it(`of Celery ${version}${kind} are read, and told to who waits for them`, async () => {
        const own = await servers.start()
        const backend = await open(own.url())
        const codec = await makeCodec('json')
        const cases = (fixture(`results-${version}${kind}`).cases as any[]).filter(({ raw }) =>
          raw?.includes('"status"'),
        )
        assert.isAbove(cases.length, 10)

        for (const { key, raw } of cases) {
          const id = key.replace('celery-task-meta-', '')
          const seen: Fetched[] = []
          const stop = backend.watch(id, (found) => seen.push(found))
          await until(async () => (await own.run('PUBLISH', key, raw)) === '1', { what: 'the subscription' })
          await until(() => seen.length > 0, { what: `the publication of ${key}` })
          stop()
          await own.run('SET', key, raw, 'EX', '3600')
          const [found] = await backend.fetch([id])

          assert.equal(found?.kind, 'record')
          const { record } = found as { record: Parameters<ResultCodec['read']>[0] }
          assert.equal(record.state, JSON.parse(raw).status)
          assert.equal(record.document, raw)
          assert.approximately(record.expiresAt ?? 0, Date.now() + 3_600_000, 5_000)
          assert.equal(codec.read(record).task_id, id)
          const { expiresAt: _, ...published } = record
          assert.deepEqual((seen[0] as { record: object }).record, published as object)
        }
      })
    }
  }

  it('that a Python worker has finished are not overwritten', async () => {
    const own = await servers.start()
    const backend = await open(own.url())
    const codec = await makeCodec('json')
    for (const version of celeryVersions) {
      for (const { key, raw } of fixture(`results-${version}-extended`).cases as any[]) {
        if (!raw?.includes('"status"')) continue
        const id = key.replace('celery-task-meta-', '')
        await own.run('SET', key, raw)

        await backend.keep([codec.make('PROGRESS', encoded('"late"'), { id, now: 0 })])

        const isFinal = ['SUCCESS', 'FAILURE', 'REVOKED'].includes(JSON.parse(raw).status)
        assert.equal((await own.run('GET', key)) === raw, isFinal, raw)
      }
    }
  })

  it('in MessagePack are kept as bytes, described by themselves, and final as others', async () => {
    const own = await servers.start()
    const backend = await open(own.url())
    const codec = await makeCodec('msgpack')
    const make = (state: string, data: string) => codec.make(state, encoded(data), { id: 'a', now: Date.now() })
    await backend.keep([make('A state of one’s own, with marks', '1')])
    await backend.keep([make('PROGRESS', '{"done":1}')])
    await backend.keep([make('SUCCESS', '{"done":2}')])
    await backend.keep([make('FAILURE', '{"done":3}')])

    const [found] = await backend.fetch(['a'])

    const { record } = found as { record: Parameters<ResultCodec['read']>[0] }
    assert.deepInclude(record, { state: 'SUCCESS', contentType: 'application/x-msgpack' })
    assert.deepEqual(codec.read(record).result, { done: 2 })
    assert.include(await keysOf(own), 'celery-task-meta-a')
  })

  it('under whose key stands something else fail for who waits, and give way to a record', async () => {
    const own = await servers.start()
    const backend = await open(own.url())
    const codec = await makeCodec('json')
    await own.run('SET', 'celery-task-meta-text', 'no document')
    await own.run('LPUSH', 'celery-task-meta-list', 'no text')

    const [text, list] = await backend.fetch(['text', 'list'])

    assert.equal(list?.kind, 'absent')
    assert.throws(() => codec.read((text as { record: Parameters<ResultCodec['read']>[0] }).record), /./)
    const make = (id: string) => codec.make('SUCCESS', undefined, { id, now: Date.now() })
    await backend.keep([make('text'), make('list')])
    assert.deepEqual(
      (await backend.fetch(['text', 'list'])).map((found) => (found as { record: { state: string } }).record.state),
      ['SUCCESS', 'SUCCESS'],
    )
  })

  it('end when they should also where this machine’s clock is wrong', async () => {
    const own = await servers.start()
    const clock = new FakeClock(Date.now() - 40 * 86_400_000)
    const backend = await open(own.url(), { clock })
    const expiresAt = clock.now() + 60_000

    await backend.keep([
      { id: 'a', state: 'SUCCESS', document: '{"status":"SUCCESS"}', contentType: 'application/json', expiresAt },
    ])

    assert.approximately(Number(await own.run('PTTL', 'celery-task-meta-a')), 60_000, 2_000)
    const [found] = await backend.fetch(['a'])
    assert.approximately((found as { record: { expiresAt: number } }).record.expiresAt, expiresAt, 5)
  })

  it('are told to ten thousand who wait at once, of whom none is lost when connections are killed', async () => {
    const own = await servers.start()
    const backend = await open(own.url())
    const worker = await open(own.url(), { clock: { ...systemClock } })
    const ids = Array.from({ length: 10_000 }, (_, index) => `t${index}`)
    const told = new Set<string>()
    const recordOf = (id: string) => ({
      id,
      state: 'SUCCESS',
      document: `{"status":"SUCCESS","of":"${id}"}`,
      contentType: 'application/json',
    })
    await worker.keep(ids.slice(0, 1_000).map(recordOf))
    const stops = ids.map((id) => backend.watch(id, (found) => found.kind === 'record' && told.add(found.record.id)))

    for (let from = 1_000; from < ids.length; from += 1_000) {
      await worker.keep(ids.slice(from, from + 1_000).map(recordOf))
      if (from % 3_000 === 0) await own.run('CLIENT', 'KILL', 'TYPE', from === 3_000 ? 'pubsub' : 'normal')
    }

    await until(() => told.size === ids.length, { what: 'all of them', seen: () => String(told.size) })
    assert.isAtMost(clientsOf(await own.run('CLIENT', 'LIST')), 3)
    for (const stop of stops) stop()
  })

  it('are waited for over a restart of the server', async () => {
    const own = await servers.start({ appendonly: 'yes' })
    const backend = await open(own.url())
    const seen: Fetched[] = []
    backend.watch('a', (found) => seen.push(found))
    await until(async () => /meta-a/.test(await own.run('PUBSUB', 'CHANNELS')), { what: 'the subscription' })

    await own.kill()
    await own.start()
    // By somebody who does not wait for the subscription to be back.
    await own.run('SET', 'celery-task-meta-a', '{"status": "SUCCESS", "result": 1, "task_id": "a"}')
    await own.run('PUBLISH', 'celery-task-meta-a', '{"status": "SUCCESS", "result": 1, "task_id": "a"}')

    await until(() => seen.length > 0, { what: 'the result' })
    assert.deepInclude((seen[0] as { record: object }).record, { state: 'SUCCESS' })
  })

  it('are refused as a whole by a full server', async () => {
    const own = await servers.start()
    const backend = await open(own.url())
    await own.run('CONFIG', 'SET', 'maxmemory', '1')
    const record = { id: 'a', state: 'SUCCESS', document: '{"status":"SUCCESS"}', contentType: 'application/json' }

    const refused = await backend.keep([record, { ...record, id: 'b' }]).then(
      () => 'kept',
      (error: { code: string }) => error.code,
    )

    assert.equal(refused, 'UMBEL_STORE_FULL')
    assert.deepEqual(
      (await backend.fetch(['a', 'b'])).map(({ kind }) => kind),
      ['absent', 'absent'],
    )
  })
})

function encoded(data: string): Encoded {
  return { contentType: 'application/json', contentEncoding: 'utf-8', data }
}

async function makeCodec(name: 'json' | 'msgpack'): Promise<ResultCodec> {
  const serializers = new Serializers({ accept: ['json', 'msgpack'], typedValues: 'kombu', maxDepth: 100 })
  await serializers.loadAccepted()
  return new ResultCodec({
    serializer: serializers.loaded(name),
    serializers,
    expiresMs: 86_400_000,
    maxBytes: 1_000_000,
  })
}

/** All keys, in order, without the changing parts of ours. */
async function keysOf(server: { run(...words: string[]): Promise<string> }): Promise<string[]> {
  const reply = await server.run('KEYS', '*')
  const names = reply.split('\r\n').filter((line) => line !== '' && !/^[*$]/.test(line))
  return names.map((name) => name.replace(/(umbel-expired-).*/, '$1*')).sort()
}

/** Connections of ours. */
function clientsOf(list: string): number {
  return list.split('name=umbel').length - 1
}
