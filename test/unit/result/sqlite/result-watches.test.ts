import { assert } from 'chai'
import { systemClock } from '../../../../lib/base/clock.ts'
import { openDatabase } from '../../../../lib/driver/sqlite/sqlite-database.ts'
import { SqliteResultBackend } from '../../../../lib/result/sqlite/sqlite-result-backend.ts'
import { recordOf } from '../../../../lib/testing/exams/broker-under-exam.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { storeFolder } from '../../../support/store-folder.ts'
import { until } from '../../../support/until.ts'

describe('watching results of an embedded store', () => {
  let folder: ReturnType<typeof storeFolder>
  let watcher: SqliteResultBackend
  let writer: SqliteResultBackend
  beforeEach(async () => {
    folder = storeFolder()
    watcher = new SqliteResultBackend({ path: folder.path, clock: systemClock })
    // Another clock: a connection of its own, as another process has.
    writer = new SqliteResultBackend({ path: folder.path, clock: new FakeClock(Date.now()) })
    await watcher.start()
    await writer.start()
  })
  afterEach(async () => {
    await watcher.stop()
    await writer.stop()
    folder.remove()
  })

  it('ten thousand at once each get theirs, among results that nobody watches', async () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `t${index}`)
    const seen = new Set<string>()
    for (const id of ids) watcher.watch(id, (found) => found.kind === 'record' && seen.add(found.record.id))
    for (let from = 0; from < ids.length; from += 1_000)
      await writer.keep(ids.slice(from, from + 1_000).flatMap((id) => [recordOf(id), recordOf(`other-${id}`)]))

    await until(() => seen.size === ids.length, { what: 'all results', seen: () => `${seen.size}` })
    assert.isFalse(seen.has('other-t1'))
  })

  it('one among very many results of others is found', async () => {
    const seen: string[] = []
    watcher.watch('mine', (found) => found.kind === 'record' && seen.push(found.record.state))
    await writer.keep(Array.from({ length: 3_000 }, (_, index) => recordOf(`other-${index}`)))
    await writer.keep([recordOf('mine')])
    await writer.keep(Array.from({ length: 3_000 }, (_, index) => recordOf(`more-${index}`)))

    await until(() => seen.length > 0, { what: 'the result' })
    assert.deepEqual(seen, ['SUCCESS'])
  })

  it('a state that follows another is told once, and none twice', async () => {
    const seen: string[] = []
    watcher.watch('a', (found) => found.kind === 'record' && seen.push(found.record.state))
    for (const state of ['STARTED', 'PROGRESS', 'SUCCESS']) {
      await writer.keep([recordOf('a', { state })])
      await until(() => seen.at(-1) === state, { what: state })
    }
    await writer.keep([recordOf('b')])
    assert.deepEqual(seen, ['STARTED', 'PROGRESS', 'SUCCESS'])
  })

  it('one of a listener that throws does not harm the others', async () => {
    const thrown: unknown[] = []
    const handlers = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (error) => thrown.push(error))
    let isSeen = false
    watcher.watch('a', () => {
      throw new Error('of a listener')
    })
    watcher.watch('a', () => {
      isSeen = true
    })
    await writer.keep([recordOf('a')])

    await until(() => isSeen && thrown.length === 1, { what: 'the other listener' })
    for (const handler of handlers) process.on('uncaughtException', handler)
  })

  it('what is damaged to invalid text harms nobody', async () => {
    await writer.keep([recordOf('a')])
    const database = openDatabase(folder.path, { busyTimeoutMs: 1_000 })
    database.exec("update results set document = cast(x'22ff2200' as text), state = cast(x'ff' as text)")
    database.close()

    const [found] = await watcher.fetch(['a'])

    assert.equal(found?.kind, 'record')
  })
})
