import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { systemClock } from '../../../../lib/base/clock.ts'
import { openStoreFile } from '../../../../lib/driver/sqlite/open-store-file.ts'
import { readMarks, schemaVersion } from '../../../../lib/driver/sqlite/sqlite-schema.ts'
import { openSqliteStore } from '../../../../lib/driver/sqlite/sqlite-store.ts'
import type { WriteKind } from '../../../../lib/driver/sqlite/write-queue.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { storeFolder } from '../../../support/store-folder.ts'
import { until } from '../../../support/until.ts'

const changing: WriteKind<undefined, void> = {
  name: 'change',
  weight: () => 1,
  run(transaction, items) {
    transaction.changed('messages')
    return items.map(() => undefined)
  },
}

describe('an embedded store', () => {
  let folder: ReturnType<typeof storeFolder>
  beforeEach(() => {
    folder = storeFolder()
  })
  afterEach(() => folder.remove())

  it('is one for all that name one file and clock, however they write its path', async () => {
    mkdirSync(join(folder.folder, 'real'))
    symlinkSync(join(folder.folder, 'real'), join(folder.folder, 'link'))
    const first = openSqliteStore({ path: join(folder.folder, 'real', 'a.db'), clock: systemClock })
    const second = openSqliteStore({ path: join(folder.folder, 'link', '..', 'link', 'a.db'), clock: systemClock })
    const elsewhere = openSqliteStore({ path: join(folder.folder, 'b.db'), clock: systemClock })

    assert.strictEqual(first, second)
    assert.notStrictEqual(first, elsewhere)
    for (const store of [first, second, elsewhere]) await store.release()
  })

  it('stays open until its last user has gone, and can be opened again', async () => {
    const first = openSqliteStore({ path: folder.path, clock: systemClock })
    const second = openSqliteStore({ path: folder.path, clock: systemClock })
    await first.open()

    await first.release()
    await second.write(changing, undefined)
    await second.release()

    const again = openSqliteStore({ path: folder.path, clock: systemClock })
    assert.notStrictEqual(again, first)
    await again.write(changing, undefined)
    await again.release()
  })

  it('tells its listeners of its own changes, of those of others, and of nothing once they stopped', async () => {
    const store = openSqliteStore({ path: folder.path, clock: systemClock })
    const other = openSqliteStore({ path: folder.path, clock: new FakeClock() })
    const heard: string[] = []
    const stop = store.onChange((change) => heard.push(change))

    await store.write(changing, undefined)
    assert.include(heard, 'messages')
    heard.length = 0
    await other.write(changing, undefined)
    await until(() => heard.includes('anything'), { what: 'the change of another process' })

    stop()
    heard.length = 0
    await store.write(changing, undefined)
    assert.deepEqual(heard, [])
    await store.release()
    await other.release()
  })

  it('lets its listeners look now and then, should a wake be lost', async () => {
    const clock = new FakeClock()
    const store = openSqliteStore({ path: folder.path, clock })
    await store.write(changing, undefined)
    let looks = 0
    store.onChange(() => looks++)
    rmSync(`${folder.path}-wake`, { force: true })

    await clock.advance(10_000)

    assert.isAtLeast(looks, 5)
    await store.release()
    assert.equal(clock.pending, 0)
  })

  it('is brought to this version by whoever opens it first, and left alone by the next', () => {
    const options = { synchronous: 'normal', busyTimeoutMs: 20 } as const
    const first = openStoreFile(folder.path, options)
    const marks = readMarks(first)
    const second = openStoreFile(folder.path, options)

    assert.equal(marks.version, schemaVersion)
    assert.deepEqual(readMarks(second), marks)
    first.close()
    second.close()
  })

  it('writes to the disk before it answers where that is asked for', async () => {
    const store = openSqliteStore({ path: folder.path, clock: systemClock })
    const level = () => store.readNow('look', (database) => database.statement('pragma synchronous').all([])[0]?.[0])
    await store.open()
    assert.equal(level(), 1)

    const stricter = openSqliteStore({ path: folder.path, clock: systemClock, synchronous: 'full' })
    assert.equal(level(), 2)
    await store.release()
    await stricter.release()
  })
})
