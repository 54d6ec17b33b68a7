import Module from 'node:module'
import { assert } from 'chai'
import { openDatabase, type SqliteDatabase, textOf } from '../../../../lib/driver/sqlite/sqlite-database.ts'
import { isBusy, sqliteCode, sqliteCodes } from '../../../../lib/driver/sqlite/sqlite-error.ts'

const options = { busyTimeoutMs: 20 }

describe('a connection to SQLite', () => {
  let database: SqliteDatabase
  beforeEach(() => {
    database = openDatabase(':memory:', options)
  })
  afterEach(() => database.close())

  it('takes and gives every kind of value, bytes as the only one too', () => {
    const one = (value: number | string | null | Uint8Array) => database.statement('select ?').all([value])[0]?.[0]
    assert.equal(one(2 ** 52), 2 ** 52)
    assert.equal(one(-0.5), -0.5)
    assert.isNull(one(null))
    assert.deepEqual(Buffer.from(one(new Uint8Array([0, 255])) as Uint8Array), Buffer.from([0, 255]))
    assert.equal(textOf(database.statement('select cast(? as blob)').all(['ä\u0000€'])[0]?.[0]), 'ä\u0000€')
  })

  it('says how many rows changed and the number of the last', () => {
    database.exec('create table a (x integer primary key, y); create table b (z)')
    const { changes, lastRowId } = database.statement('insert into a (y) values (?), (?)').run(['p', 'q'])
    assert.deepEqual([changes, lastRowId], [2, 2])
    assert.equal(database.statement('delete from a').run([]).changes, 2)
  })

  it('gives rows also from statements that change', () => {
    database.exec('create table a (x)')
    assert.deepEqual(database.statement('insert into a values (?) returning x + 1').all([1]), [[2]])
  })

  it('refuses use after it was closed, and closes twice', () => {
    database.close()
    database.close()
    assert.throws(() => database.statement('select 1').all([]))
    assert.throws(() => database.exec('select 1'))
  })

  it("tells SQLite's codes from errors of its driver", () => {
    database.exec('create table a (x unique); insert into a values (1)')
    assert.equal(sqliteCode(caught(() => database.exec('insert into a values (1)'))), sqliteCodes.constraint)
    assert.equal(sqliteCode(caught(() => openDatabase('/nowhere/at/all.db', options))), sqliteCodes.cannotOpen)
    assert.isUndefined(sqliteCode(new Error('of something else')))
    assert.isUndefined(sqliteCode('no error at all'))
  })

  it("tells SQLite's codes from errors in the shape of node:sqlite", () => {
    const busy = Object.assign(new Error('database is locked'), { code: 'ERR_SQLITE_ERROR', errcode: 517 })
    assert.equal(sqliteCode(busy), sqliteCodes.busy)
    assert.isTrue(isBusy(busy))
  })
})

describe('a connection to SQLite where there is no driver', () => {
  it('says what to install', () => {
    const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown }
    const load = loader._load
    const { getBuiltinModule } = process
    process.getBuiltinModule = (() => undefined) as typeof process.getBuiltinModule
    loader._load = (request, ...rest) => {
      if (request === 'libsql') throw new Error("Cannot find module 'libsql'")
      return load.call(Module, request, ...rest)
    }
    let error: unknown
    try {
      error = caught(() => openDatabase('/tmp/some.db', options))
    } finally {
      loader._load = load
      process.getBuiltinModule = getBuiltinModule
    }
    assert.propertyVal(error, 'code', 'UMBEL_NO_DRIVER')
    assert.match((error as Error).message, /\/tmp\/some\.db.*npm install libsql.*Node 22\.13/)
  })
})

describe('a connection to SQLite over the driver that newer Nodes bring', () => {
  // Node 20 has no node:sqlite, so its shape is played: what matters is how it is called and how its answers are read.
  const calls: unknown[][] = []
  class DatabaseSync {
    constructor(path: string) {
      calls.push(['open', path])
    }
    exec(sql: string): void {
      calls.push(['exec', sql])
    }
    prepare(sql: string) {
      return {
        run: (...values: unknown[]) => {
          calls.push(['run', sql, ...values])
          return { changes: 3n, lastInsertRowid: 7 }
        },
        all: (...values: unknown[]) => {
          calls.push(['all', sql, ...values])
          return [{ a: 1, b: new Uint8Array([120]) }]
        },
      }
    }
    close(): void {
      calls.push(['close'])
    }
  }
  const original = process.getBuiltinModule
  beforeEach(() => {
    calls.length = 0
    process.getBuiltinModule = ((id: string) =>
      id === 'node:sqlite' ? { DatabaseSync } : original?.(id)) as typeof process.getBuiltinModule
  })
  afterEach(() => {
    process.getBuiltinModule = original
  })

  it('spreads the values and reads rows as arrays', () => {
    const database = openDatabase('x.db', options)
    const rows = database.statement('select a').all(['p', null])
    const changed = database.statement('update a').run([new Uint8Array([1])])
    database.close()

    assert.deepEqual(changed, { changes: 3, lastRowId: 7 })
    assert.equal(rows[0]?.[0], 1)
    assert.equal(textOf(rows[0]?.[1]), 'x')
    assert.deepEqual(calls, [
      ['open', 'x.db'],
      ['exec', 'pragma busy_timeout = 20'],
      ['all', 'select a', 'p', null],
      ['run', 'update a', new Uint8Array([1])],
      ['close'],
    ])
  })
})

function caught(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}
