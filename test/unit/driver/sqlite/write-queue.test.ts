import { assert } from 'chai'
import { systemClock } from '../../../../lib/base/clock.ts'
import { openDatabase, type SqliteDatabase } from '../../../../lib/driver/sqlite/sqlite-database.ts'
import { openSqliteStore, type SqliteStore } from '../../../../lib/driver/sqlite/sqlite-store.ts'
import type { WriteKind } from '../../../../lib/driver/sqlite/write-queue.ts'
import { storeFolder } from '../../../support/store-folder.ts'
import { until } from '../../../support/until.ts'

describe('the write queue of an embedded store', () => {
  let folder: ReturnType<typeof storeFolder>
  let store: SqliteStore
  let other: SqliteDatabase

  const batches: string[][] = []
  let commits = 0
  const noting: WriteKind<string, string> = {
    name: 'note',
    weight: () => 1,
    run(transaction, words) {
      batches.push([...words])
      transaction.onCommit(() => {
        commits++
      })
      for (const word of words) {
        if (word === 'bad') throw new Error('a bad word')
        transaction.database.statement('insert into noted values (?)').run([word])
      }
      return words.map((word) => word.toUpperCase())
    },
  }

  beforeEach(async () => {
    batches.length = 0
    commits = 0
    folder = storeFolder()
    store = openSqliteStore({ path: folder.path, clock: systemClock, timeoutMs: 200 })
    await store.open()
    other = openDatabase(folder.path, { busyTimeoutMs: 1_000 })
    other.exec('create table noted (word text primary key)')
  })
  afterEach(async () => {
    other.close()
    await store.release()
    folder.remove()
  })

  const noted = (): unknown[] => other.statement('select word from noted order by rowid').all([]).flat()

  it('puts the writes of one turn into one transaction, and gives each its own reply', async () => {
    const replies = await Promise.all(['a', 'b', 'c'].map((word) => store.write(noting, word)))

    assert.deepEqual(replies, ['A', 'B', 'C'])
    assert.deepEqual(batches, [['a', 'b', 'c']])
    assert.equal(commits, 1)
  })

  it('writes made between promises of one turn still share it', async () => {
    await Promise.all([
      store.write(noting, 'a'),
      Promise.resolve()
        .then(() => undefined)
        .then(() => store.write(noting, 'b')),
    ])

    assert.deepEqual(batches, [['a', 'b']])
  })

  it('when one fails, it fails alone and the others are stored', async () => {
    const outcomes = await Promise.allSettled(['a', 'bad', 'c'].map((word) => store.write(noting, word)))

    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(noted(), ['a', 'c'])
    assert.equal(commits, 2)
  })

  it("refuses a row's violation of a constraint without harming its neighbours", async () => {
    await store.write(noting, 'a')

    const outcomes = await Promise.allSettled(['b', 'a'].map((word) => store.write(noting, word)))

    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    assert.deepEqual(noted(), ['a', 'b'])
  })

  it('keeps transactions short when very much comes at once', async () => {
    const words = Array.from({ length: 4_500 }, (_, index) => `w${index}`)

    await Promise.all(words.map((word) => store.write(noting, word)))

    assert.deepEqual(
      batches.map(({ length }) => length),
      [2_000, 2_000, 500],
    )
    assert.deepEqual(noted(), words)
  })

  it('waits while another process holds the lock, and the event loop turns meanwhile', async () => {
    other.exec('begin immediate')
    let ticks = 0
    const ticking = setInterval(() => ticks++, 1)
    const writing = store.write(noting, 'a')
    await until(() => ticks >= 3, { what: 'timers to fire while the store is locked' })
    assert.equal(commits, 0)

    other.exec('commit')
    await writing
    clearInterval(ticking)

    assert.deepEqual(noted(), ['a'])
  })

  it('refuses what could not get the lock in time, saying that nothing was changed', async () => {
    other.exec('begin immediate')

    const outcome = await store.write(noting, 'a').then(
      () => undefined,
      (error: unknown) => error,
    )
    other.exec('rollback')

    assert.propertyVal(outcome, 'code', 'UMBEL_BROKER_UNAVAILABLE')
    assert.match(
      (outcome as Error).message,
      /Could not note in .* held the store's lock for 0\.\d s\. Nothing was changed/,
    )
    assert.deepEqual(noted(), [])
    assert.equal(await store.write(noting, 'b'), 'B')
  })

  it('refuses more than it can keep while it waits for the lock', async () => {
    other.exec('begin immediate')
    const heavy: WriteKind<string, void> = {
      name: 'hoard',
      weight: () => 400_000,
      run: (_, items) => items.map(() => undefined),
    }
    const first = store.write(heavy, 'a')

    const second = await store.write(heavy, 'b').then(
      () => undefined,
      (error: unknown) => error,
    )
    other.exec('rollback')
    await first

    assert.propertyVal(second, 'code', 'UMBEL_BROKER_UNAVAILABLE')
    assert.match((second as Error).message, /Send slower/)
  })

  it('what waits when it is closed is written, what comes after is refused', async () => {
    const last = store.write(noting, 'last')
    const released = store.release()
    const late = store.write(noting, 'late').then(
      () => undefined,
      (error: unknown) => error,
    )

    assert.equal(await last, 'LAST')
    await released
    assert.propertyVal(await late, 'code', 'UMBEL_CLOSED')
    assert.deepEqual(noted(), ['last'])
    store = openSqliteStore({ path: folder.path, clock: systemClock })
  })
})
