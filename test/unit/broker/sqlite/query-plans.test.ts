import { assert } from 'chai'
import { claimableQueues, claimReady, readClaimed } from '../../../../lib/broker/sqlite/claim-rows.ts'
import { encodeMessages, insertMessages, promoteDue } from '../../../../lib/broker/sqlite/message-rows.ts'
import { QueueTable } from '../../../../lib/broker/sqlite/queue-table.ts'
import { settleClaims } from '../../../../lib/broker/sqlite/settle-rows.ts'
import { openStoreFile } from '../../../../lib/driver/sqlite/open-store-file.ts'
import type { SqliteDatabase } from '../../../../lib/driver/sqlite/sqlite-database.ts'
import type { Transaction } from '../../../../lib/driver/sqlite/write-queue.ts'
import {
  findResults,
  lastSeq,
  resultsAfter,
  storeRecords,
  sweepResults,
} from '../../../../lib/result/sqlite/result-rows.ts'
import { messageTo, recordOf } from '../../../../lib/testing/exams/broker-under-exam.ts'
import { storeFolder } from '../../../support/store-folder.ts'

describe('the statements of an embedded store', () => {
  let folder: ReturnType<typeof storeFolder>
  let database: SqliteDatabase
  const seen = new Set<string>()
  const now = 1_000_000

  before(() => {
    folder = storeFolder()
    database = openStoreFile(folder.path, { synchronous: 'normal', busyTimeoutMs: 20 })
    work(transactionOn(recorder(database, seen), now))
  })
  after(() => {
    database.close()
    folder.remove()
  })

  it('search by an index and never scan what grows with the backlog', () => {
    assert.isAbove(seen.size, 15)
    const scans: string[] = []
    for (const sql of seen) {
      for (const step of planOf(sql))
        if (/^SCAN (ready|parked|messages|claims|results|m|c|p)\b/.test(step)) scans.push(`${step} in: ${sql}`)
    }
    // The first row in the order of the key, and no more.
    assert.deepEqual(scans, ['SCAN parked in: select due from parked order by due limit 1'])
  })

  it('never sort', () => {
    for (const sql of seen) {
      const sorts = planOf(sql).filter((step) => /USE TEMP B-TREE/.test(step))
      // Promoting numbers at most a thousand rows that come in that order already.
      assert.isTrue(sorts.length === 0 || sql.startsWith('insert into ready\n'), `${sorts} in: ${sql}`)
    }
  })

  it('remove the front of a queue by all columns of its key', () => {
    const plans = [...seen].filter((sql) => sql.startsWith('delete from ready') || sql.startsWith('delete from parked'))
    assert.isAtLeast(plans.length, 2)
    for (const sql of plans) assert.match(planOf(sql).join('\n'), /\((priority,position|due,message)\)<\(\?,\?\)/)
  })

  it('return no text from outside as text, which the driver could not bear', () => {
    for (const sql of seen)
      if (/returning|^select/i.test(sql))
        assert.notMatch(sql, /select (envelope|past|name|document|state)\b(?! from (ready|messages where id between))/)
  })

  it('number no parameters, which older drivers take for names', () => {
    for (const sql of seen) assert.notMatch(sql, /\?\d/)
  })

  function planOf(sql: string): string[] {
    return database
      .statement(`explain query plan ${sql}`)
      .all([])
      .map((row) => String(row[3]))
  }
})

/** Everything that publish, promote, claim, settle and results do. */
function work(transaction: Transaction): void {
  const { database } = transaction
  const queues = new QueueTable()
  const outgoing = Array.from({ length: 80 }, (_, index) => messageTo('q', `m${index}`, { priority: index % 2 }))
  const later = Array.from({ length: 12 }, (_, index) => messageTo('q', `l${index}`, { notBefore: 5 + index }))
  insertMessages(transaction, queues, encodeMessages(outgoing, 0))
  insertMessages(transaction, queues, encodeMessages([messageTo('q', 'one')], 0))
  insertMessages(transaction, queues, encodeMessages(later, 0))
  promoteDue(transaction, 10)
  const queue = queues.idOf(transaction, 'q')
  claimableQueues(database, [queue])
  const wish = { owner: 1, queues: [queue], isEmpty: true }
  const cut = claimReady(transaction, { ...wish, count: 2, bytes: 1 })
  const reading = { nameOf: () => 'q', maxBytes: 1 }
  assert.lengthOf(readClaimed(database, cut!, reading).unreadable, 1)
  const range = claimReady(transaction, { ...wish, count: 20, bytes: 1_000_000 })
  const { deliveries } = readClaimed(database, range!, reading)
  assert.lengthOf(deliveries, 20)
  const dispositions = ['done', 'give-back', 'park', 'dead-letter'] as const
  const batch = deliveries.map(({ claim }, index) => ({
    settlement: { claim, disposition: dispositions[index % 4]!, record: recordOf(`r${index}`) },
    follow: encodeMessages([messageTo('q', `f${index}`)], 0),
  }))
  settleClaims(transaction, queues, batch)
  settleClaims(transaction, queues, [...batch.slice(0, 1), ...batch.slice(5, 6)])
  storeRecords(
    transaction,
    Array.from({ length: 20 }, (_, index) => recordOf(`s${index}`, { expiresAt: 5 })),
  )
  findResults(database, ['r1'], 0)
  resultsAfter(database, lastSeq(database) - 5, { limit: 10, now: 0 })
  sweepResults(transaction, 10)
}

function recorder(database: SqliteDatabase, seen: Set<string>): SqliteDatabase {
  return {
    exec: (sql) => database.exec(sql),
    statement(sql) {
      seen.add(sql)
      return database.statement(sql)
    },
    close: () => database.close(),
  }
}

function transactionOn(database: SqliteDatabase, now: number): Transaction {
  return {
    database,
    now,
    reserve(sequence, count) {
      const sql = 'update sequences set next = next + ? where name = ? returning next - ?'
      return Number(database.statement(sql).all([count, sequence, count])[0]?.[0])
    },
    changed() {},
    onCommit(act) {
      act()
    },
  }
}
