import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { assert } from 'chai'
import { systemClock } from '../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../lib/broker/sqlite/sqlite-broker.ts'
import { openStoreFile } from '../../../lib/driver/sqlite/open-store-file.ts'
import { openDatabase } from '../../../lib/driver/sqlite/sqlite-database.ts'
import { SqliteResultBackend } from '../../../lib/result/sqlite/sqlite-result-backend.ts'
import { consume, messageTo } from '../../../lib/testing/exams/broker-under-exam.ts'
import { type StartedProcess, useProcesses } from '../../support/processes.ts'
import { skip } from '../../support/skip.ts'
import { storeFolder } from '../../support/store-folder.ts'
import { until } from '../../support/until.ts'
import { workloadCommand } from './start-workload.ts'

describe('a file that cannot be used as a store', () => {
  const processes = useProcesses()
  let store: ReturnType<typeof storeFolder>
  beforeEach(() => {
    store = storeFolder()
  })
  afterEach(() => store.remove())

  it('a database of another program is refused and left as it is', async () => {
    withDatabase(store.path, 'create table mine (x); insert into mine values (1)')
    const before = readFileSync(store.path)
    await refuses(store.path, 'UMBEL_STORE_UNUSABLE', /database of another program/)
    assert.isTrue(before.equals(readFileSync(store.path)))
  })

  it('a file that is no database is refused and left as it is', async () => {
    writeFileSync(store.path, 'Dear diary, '.repeat(1_000))
    await refuses(store.path, 'UMBEL_STORE_UNUSABLE', /not an Umbel store/)
    assert.equal(readFileSync(store.path, 'utf8').slice(0, 10), 'Dear diary')
  })

  it('a store of a newer version is refused, saying so', async () => {
    await fill(store.path, 1)
    withDatabase(store.path, 'pragma user_version = 99')
    await refuses(
      store.path,
      'UMBEL_STORE_UNUSABLE',
      /newer Umbel \(schema version 99, this one knows \d+\).*Update umbel/,
    )
  })

  it('a folder in its place is refused', async () => {
    mkdirSync(store.path)
    await refuses(store.path, 'UMBEL_STORE_UNUSABLE', /not a file/)
  })

  it('a path through a file is refused', async () => {
    writeFileSync(join(store.folder, 'file'), '')
    await refuses(join(store.folder, 'file', 'sub', 'umbel.db'), 'UMBEL_STORE_UNUSABLE', /path can't be used/)
  })

  it('a truncated file is refused as damaged, with what to do', async () => {
    await fill(store.path, 2_000)
    checkpoint(store.path)
    // A copy, which no connection of this process remembers the length of.
    const path = join(store.folder, 'copy.db')
    copyFileSync(store.path, path)
    truncateSync(path, 5 * 8_192)
    await refuses(path, 'UMBEL_STORE_UNUSABLE', /damaged.*\.recover/s)
  })

  it('a file that was emptied beside a full log is refused instead of started anew', async () => {
    writeFileSync(store.path, '')
    writeFileSync(`${store.path}-wal`, Buffer.alloc(10_000, 1))
    await refuses(store.path, 'UMBEL_STORE_UNUSABLE', /empty but its log/)
    assert.equal(statSync(`${store.path}-wal`).size, 10_000)
  })

  it('damaged pages are told to who consumes, who lives', async () => {
    await fill(store.path, 2_000)
    checkpoint(store.path)
    const file = readFileSync(store.path)
    file.fill(0xaa, 40 * 8_192)
    writeFileSync(store.path, file)

    const broker = new SqliteBroker({ path: store.path, clock: systemClock })
    const told: unknown[] = []
    await broker.start()
    try {
      const { inbox } = await consume(broker, { prefetch: 2_000, onError: (error) => told.push(error) })
      await until(() => told.length > 0, { what: 'the error', seen: () => `${inbox.all.length} deliveries` })
    } catch (error) {
      told.push(error)
    }
    await broker.stop()
    assert.propertyVal(told[0], 'code', 'UMBEL_STORE_UNUSABLE')
    assert.match((told[0] as Error).message, /damaged/)
  })

  it('a network file system is refused by name', () => {
    const options = { synchronous: 'normal', busyTimeoutMs: 20 } as const
    const open = (type: number) => () => openStoreFile(store.path, { ...options, fileSystemType: () => type })
    assert.throws(open(0x6969), /network or shared file system \(NFS\)/)
    assert.throws(open(-0xacb2be), /network or shared file system \(CIFS\)/)
    assert.isFalse(existsSync(store.path))
  })

  it('a read-only file system is refused', async function () {
    await fill(store.path, 1)
    checkpoint(store.path)
    const child = onOwnDisk(this, `cp ${store.path} "$0" && mount -o remount,ro tmpfs "$0"`, 'open')
    const { stdout, stderr } = await child.succeeds()
    assert.match(
      stdout,
      /^StoreUnusable: Could not open the store in .*: no permission to write there \(EROFS\)/,
      stderr,
    )
  })

  it('a read-only file is refused', async function () {
    if (process.getuid?.() === 0) skip(this, 'root may write to any file')
    await fill(store.path, 1)
    chmodSync(store.path, 0o444)
    await refuses(store.path, 'UMBEL_STORE_UNUSABLE', /no permission/)
  })

  it('on a full disk publishing is refused and nothing lost; with space again it goes on by itself', async function () {
    const child = onOwnDisk(this, 'true', 'fill')
    const { stdout } = await child.succeeds({ withinMs: 30_000 })
    const { accepted, errors, waiting, settled, left } = JSON.parse(stdout)
    assert.isAbove(accepted.length, 10)
    for (const { name, message } of errors) {
      assert.equal(name, 'StoreFull')
      assert.match(message, /disk is full\. Nothing was stored/)
    }
    assert.equal(waiting, accepted.length)
    assert.deepEqual(settled, accepted)
    assert.equal(left, 1)
  })

  it('what is written is for its user alone', async () => {
    const path = join(store.folder, 'new', 'folder', 'umbel.db')
    const mask = process.umask(0)
    const broker = new SqliteBroker({ path, clock: systemClock })
    await broker.start()
    await broker.publish([messageTo('q', 'a')])
    process.umask(mask)
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
    for (const name of [path, `${path}-wal`, `${path}-shm`, `${path}-wake`])
      assert.equal(statSync(name).mode & 0o777, 0o600, name)
    await broker.stop()
  })

  it('a store that was refused can be opened once the reason is gone', async () => {
    mkdirSync(store.path)
    const broker = new SqliteBroker({ path: store.path, clock: systemClock })
    await broker.start().then(
      () => assert.fail('it should have been refused'),
      () => {},
    )
    rmdirSync(store.path)
    await broker.start()
    await broker.publish([messageTo('q', 'a')])
    await broker.stop()
  })

  /** Runs a script of `workload/` on a disk of 50 MB that only it can see. Needs user namespaces. */
  function onOwnDisk(context: Mocha.Context, prepare: string, script: string): StartedProcess {
    const folder = join(store.folder, 'disk')
    mkdirSync(folder)
    if (process.platform !== 'linux' || !canMount) skip(context, 'mounting a disk needs Linux with user namespaces')
    const file = script === 'open' ? join(folder, 'umbel.db') : join(folder, 'store', 'umbel.db')
    const shell = `mount -t tmpfs -o size=50m tmpfs "$0" && ${prepare} && exec "$@"`
    const command = [process.execPath, ...workloadCommand(script, [file])]
    return processes.start('unshare', ['--map-root-user', '--mount', 'sh', '-c', shell, folder, ...command])
  }

  let canMount = false
  before(async () => {
    const trial = processes.start('unshare', ['--map-root-user', '--mount', 'true'])
    canMount = await trial.ends().then(
      ({ code }) => code === 0,
      () => false,
    )
  })
})

async function refuses(path: string, code: string, message: RegExp): Promise<void> {
  for (const adapter of [
    new SqliteBroker({ path, clock: systemClock }),
    new SqliteResultBackend({ path, clock: systemClock }),
  ]) {
    const error = await adapter.start().then(
      () => undefined,
      (reason: unknown) => reason,
    )
    await adapter.stop()
    assert.propertyVal(error, 'code', code)
    assert.match((error as Error).message, message)
    assert.include((error as Error).message, path)
  }
}

async function fill(path: string, count: number): Promise<void> {
  const broker = new SqliteBroker({ path, clock: systemClock })
  await broker.start()
  await broker.publish(Array.from({ length: count }, (_, index) => messageTo('q', `m${index}`)))
  await broker.stop()
}

function withDatabase(path: string, sql: string): void {
  const database = openDatabase(path, { busyTimeoutMs: 1_000 })
  database.exec(sql)
  database.close()
}

/** Puts everything into the file itself and empties its log. */
function checkpoint(path: string): void {
  const database = openDatabase(path, { busyTimeoutMs: 1_000 })
  database.statement('pragma wal_checkpoint(truncate)').all([])
  database.close()
}
