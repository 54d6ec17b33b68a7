import { SqliteBroker } from '../../../lib/broker/sqlite/sqlite-broker.ts'
import { openDatabase } from '../../../lib/driver/sqlite/sqlite-database.ts'
import { SqliteResultBackend } from '../../../lib/result/sqlite/sqlite-result-backend.ts'
import { brokerExam } from '../../../lib/testing/exams/broker-exam.ts'
import type { BrokerUnderExam } from '../../../lib/testing/exams/broker-under-exam.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { storeFolder } from '../../support/store-folder.ts'
import { sitExam } from '../sit-exam.ts'

describe('the broker exam, in an embedded store', () => {
  sitExam(brokerExam, make)
})

async function make(): Promise<BrokerUnderExam> {
  const { path, remove } = storeFolder()
  const clock = new FakeClock()
  const results = new SqliteResultBackend({ path, clock })
  const brokers: SqliteBroker[] = []
  // Another clock that tells the same time: a connection of its own, as another process has.
  const join = async (): Promise<SqliteBroker> => {
    const broker = new SqliteBroker({ path, clock: brokers.length === 0 ? clock : sameTime(clock) })
    brokers.push(broker)
    await broker.start()
    return broker
  }
  await results.start()
  return {
    broker: await join(),
    results,
    join,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    // Only a thread renews the lease, and there is none here.
    hang: async () => () => {},
    damage: async (queue, raw) => insertRaw(path, queue, raw),
    async stop() {
      for (const broker of brokers) await broker.stop()
      await results.stop()
      remove()
    },
  }
}

function sameTime(clock: FakeClock): FakeClock {
  return new Proxy(clock, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function insertRaw(path: string, queue: string, raw: Uint8Array): void {
  const database = openDatabase(path, { busyTimeoutMs: 1_000 })
  database.statement('insert or ignore into queues (name) values (?)').run([queue])
  const id = Number(database.statement('select coalesce(max(id), 0) + 1 from messages').all([])[0]?.[0])
  database.statement('insert into messages (id, envelope) values (?, cast(? as text))').run([id, raw])
  database.statement('insert into ready select id, 0, ?, ?, null from queues where name = ?').run([id, id, queue])
  database.exec(`update sequences set next = ${id + 1} where name = 'message'`)
  database.close()
}
