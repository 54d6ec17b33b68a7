import { assert } from 'chai'
import { SqliteBroker } from '../../../../lib/broker/sqlite/sqlite-broker.ts'
import { openDatabase } from '../../../../lib/driver/sqlite/sqlite-database.ts'
import { SqliteResultBackend } from '../../../../lib/result/sqlite/sqlite-result-backend.ts'
import { SqliteStateStore } from '../../../../lib/state/sqlite-state-store.ts'
import { recordOf, wireMessage } from '../../../../lib/testing/exams/broker-under-exam.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { storeFolder } from '../../../support/store-folder.ts'
import { until } from '../../../support/until.ts'

const day = 86_400_000

describe('what has expired in an embedded store', () => {
  let folder: ReturnType<typeof storeFolder>
  let clock: FakeClock
  beforeEach(() => {
    folder = storeFolder()
    clock = new FakeClock()
  })
  afterEach(() => folder.remove())

  it('results lose their documents soon and their traces after a week', async () => {
    const results = new SqliteResultBackend({ path: folder.path, clock })
    await results.start()
    const expiresAt = clock.now() + 60_000
    await results.keep(Array.from({ length: 1_200 }, (_, index) => recordOf(`r${index}`, { expiresAt })))
    await results.keep([recordOf('kept')])

    await clock.advance(60_000)
    await untilCount('results where document is not null', 1)
    assert.deepEqual(await results.fetch(['r0']), [{ kind: 'expired', state: 'SUCCESS' }])
    assert.equal(count('results'), 1_201)

    clock.jump(7 * day)
    await untilCount('results', 1)
    assert.deepEqual(
      (await results.fetch(['r0', 'kept'])).map(({ kind }) => kind),
      ['absent', 'record'],
    )
    await results.stop()
  })

  it('broadcasts go after a minute', async () => {
    const broker = new SqliteBroker({ path: folder.path, clock })
    await broker.start()
    await broker.broadcast('news', wireMessage('old'))
    clock.jump(61_000)
    await broker.broadcast('news', wireMessage('young'))

    await untilCount('broadcasts', 1)
    await broker.stop()
  })

  it('state goes when its time to live has passed', async () => {
    const state = new SqliteStateStore({ path: folder.path, clock })
    await state.start()
    await state.putIfAbsent('k', 'v', { ttlMs: 1_000 })
    await state.putIfAbsent('kept', 'v')
    await state.takeRate('r', { limit: 1, periodMs: 1_000 })
    await state.takePlace('p', 'h', { limit: 1, ttlMs: 1_000 })
    await state.indexAdd('i', [{ member: 'm', score: 1 }], { ttlMs: 1_000 })
    await clock.advance(1_500)

    for (const table of ['state_rates', 'state_places', 'state_indexes', 'state_entries']) await untilCount(table, 0)
    await untilCount('state_values', 1)
    await state.stop()
  })

  function count(rows: string): number {
    const database = openDatabase(folder.path, { busyTimeoutMs: 1_000 })
    const found = Number(database.statement(`select count(*) from ${rows}`).all([])[0]?.[0])
    database.close()
    return found
  }

  /** Lets housekeeping run until so many rows are left. */
  async function untilCount(rows: string, expected: number): Promise<void> {
    await until(
      async () => {
        await clock.advance(10_000)
        return count(rows) === expected
      },
      { what: `${expected} rows of ${rows}`, seen: () => `${count(rows)}` },
    )
  }
})
