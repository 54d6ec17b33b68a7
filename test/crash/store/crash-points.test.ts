import { join } from 'node:path'
import { assert } from 'chai'
import { systemClock } from '../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../lib/broker/sqlite/sqlite-broker.ts'
import { consume, idOf, messageTo } from '../../../lib/testing/exams/broker-under-exam.ts'
import { useProcesses } from '../../support/processes.ts'
import { storeFolder } from '../../support/store-folder.ts'
import { startWorkload } from './start-workload.ts'
import { surveyStore } from './survey.ts'
import { readLog } from './workload/log.ts'

const messageCount = 120

describe('an embedded store whose process is killed around a commit', () => {
  const processes = useProcesses()
  let store: ReturnType<typeof storeFolder>
  beforeEach(() => {
    store = storeFolder()
  })
  afterEach(() => store.remove())

  for (const point of ['publish.beforeCommit', 'publish.afterCommit'] as const) {
    for (const passage of [1, 2, 17]) {
      it(`at ${point}, passage ${passage}: holds everything whose publish resolved, and whole waves only`, async () => {
        const log = join(store.folder, 'log')
        const child = startWorkload(processes, 'publish', {
          args: [store.path, log],
          fault: `${point}:${passage}:sigkill`,
        })
        assert.equal((await child.ends()).signal, 'SIGKILL', child.output)

        const accepted = readLog(log, 'accepted')
        const { messages, faults } = surveyStore(store.path)
        assert.deepEqual(faults, [])
        const ids = messages.map(({ id }) => id)
        assert.lengthOf(accepted, (passage - 1) * 10)
        // The last wave was committed, and nobody was told.
        const expected = point === 'publish.beforeCommit' ? passage - 1 : passage
        assert.deepEqual(ids, readLog(log, 'tried').slice(0, expected * 10))
      })
    }
  }

  for (const point of [
    'claim.beforeCommit',
    'claim.afterCommit',
    'settle.beforeCommit',
    'settle.afterCommit',
  ] as const) {
    for (const passage of [1, 3]) {
      it(`at ${point}, passage ${passage}: each message is settled with all that belongs to it, or comes again`, async () => {
        await publishMessages(store.path)
        const log = join(store.folder, 'log')
        const child = startWorkload(processes, 'consume', {
          args: [store.path, log, '0'],
          fault: `${point}:${passage}:sigkill`,
        })
        assert.equal((await child.ends()).signal, 'SIGKILL', child.output)

        const before = surveyStore(store.path)
        assertConserved(before)
        for (const id of readLog(log, 'settled')) assert.include(before.records, id)
        const claimed = new Set(before.messages.filter((message) => message.claimed).map(({ id }) => id))
        if (point === 'claim.afterCommit' && passage === 1) assert.equal(claimed.size, 16)

        const again = await redeliver(store.path, messageCount - before.records.length)
        for (const delivery of again) {
          assert.equal(delivery.redelivered, claimed.has(idOf(delivery)), `redelivered of ${idOf(delivery)}`)
          assert.equal(delivery.losses, claimed.has(idOf(delivery)) ? 1 : 0)
        }
        assert.sameMembers([...again.map(idOf), ...before.records], allIds())
      })
    }
  }
})

function allIds(): string[] {
  return Array.from({ length: messageCount }, (_, index) => `m${index}`)
}

async function publishMessages(path: string): Promise<void> {
  const broker = new SqliteBroker({ path, clock: systemClock })
  await broker.start()
  await broker.publish(allIds().map((id) => messageTo('q', id)))
  await broker.stop()
}

/** Every message is in its queue or has a record and a follow-up, never both and never neither. */
function assertConserved({ messages, records, faults }: ReturnType<typeof surveyStore>): void {
  assert.deepEqual(faults, [])
  const waiting = messages.filter(({ queue }) => queue === 'q').map(({ id }) => id)
  const follow = messages.filter(({ queue }) => queue === 'next').map(({ id }) => id.replace('after-', ''))
  assert.sameMembers([...waiting, ...records], allIds())
  assert.sameMembers(follow, [...records])
}

/** What a new process is given, at once: the dead one is seen to be gone. */
async function redeliver(path: string, count: number) {
  const broker = new SqliteBroker({ path, clock: systemClock })
  await broker.start()
  const startedAt = performance.now()
  const { inbox } = await consume(broker, { prefetch: messageCount })
  const deliveries = await inbox.take(count)
  assert.isBelow(performance.now() - startedAt, 5_000, 'recovery must not wait for the lease of 10 s')
  await broker.settle(deliveries.map(({ claim }) => ({ claim, disposition: 'done' as const })))
  await broker.stop()
  return deliveries
}
