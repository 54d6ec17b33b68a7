import { join } from 'node:path'
import { assert } from 'chai'
import { systemClock } from '../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../lib/broker/sqlite/sqlite-broker.ts'
import { consume, idsOf, messageTo, settle } from '../../../lib/testing/exams/broker-under-exam.ts'
import { useProcesses } from '../../support/processes.ts'
import { storeFolder } from '../../support/store-folder.ts'
import { until } from '../../support/until.ts'
import { startWorkload } from './start-workload.ts'
import { surveyStore } from './survey.ts'
import { readLog } from './workload/log.ts'

describe('processes at an embedded store', () => {
  const processes = useProcesses()
  let store: ReturnType<typeof storeFolder>
  beforeEach(() => {
    store = storeFolder()
  })
  afterEach(() => store.remove())

  it('end by themselves, whatever waits: no watch, subscription or consumer keeps one alive', async () => {
    const child = startWorkload(processes, 'open', { args: [store.path, 'leave'] })

    await child.succeeds()

    assert.equal(child.stdout.trim(), 'ok', child.stderr)
    assert.lengthOf(surveyStore(store.path).messages, 1)
  })

  it('that are stopped in their tracks lose their claims by the lease, and can do nothing with them afterwards', async () => {
    const broker = new SqliteBroker({ path: store.path, clock: systemClock })
    await broker.start()
    const ids = Array.from({ length: 16 }, (_, index) => `m${index}`)
    await broker.publish(ids.map((id) => messageTo('q', id)))
    const log = join(store.folder, 'log')
    const child = startWorkload(processes, 'consume', { args: [store.path, log, '700', '600'] })
    await until(() => readLog(log, 'claimed').length === 16, { what: 'the claims' })
    child.signal('SIGSTOP')

    const { inbox } = await consume(broker)
    const again = await inbox.take(16)
    assert.deepEqual(idsOf(again), ids)
    for (const delivery of again) {
      assert.equal(delivery.losses, 1)
      assert.equal(await settle(broker, delivery), 'settled')
    }
    child.signal('SIGCONT')
    await until(() => readLog(log, 'lost').length === 16, { what: 'the answers to the process that woke up' })

    child.signal('SIGTERM')
    await child.ends()
    await broker.stop()
    const { messages, records, faults } = surveyStore(store.path)
    assert.deepEqual([messages, records, faults], [[], [], []])
  })

  it('that open a new file at once all succeed', async () => {
    const children = Array.from({ length: 4 }, () => startWorkload(processes, 'open', { args: [store.path] }))

    for (const child of children) await child.succeeds()

    for (const child of children) assert.equal(child.stdout.trim(), 'ok', child.stderr)
    const { messages, faults } = surveyStore(store.path)
    assert.deepEqual([messages.length, faults], [4, []])
  })
})
