import { join } from 'node:path'
import { assert } from 'chai'
import { systemClock } from '../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../lib/broker/sqlite/sqlite-broker.ts'
import { messageTo } from '../../../lib/testing/exams/broker-under-exam.ts'
import { type StartedProcess, useProcesses } from '../../support/processes.ts'
import { storeFolder } from '../../support/store-folder.ts'
import { until } from '../../support/until.ts'
import { startWorkload } from './start-workload.ts'
import { surveyStore } from './survey.ts'
import { readLog } from './workload/log.ts'

const messageCount = 1_500
const kills = 5

describe('an embedded store under workers that are killed at random', () => {
  const processes = useProcesses()

  it('loses nothing, and repeats only what a killed worker held', async function () {
    this.timeout(90_000)
    const store = storeFolder()
    const broker = new SqliteBroker({ path: store.path, clock: systemClock })
    await broker.start()
    const ids = Array.from({ length: messageCount }, (_, index) => `m${index}`)
    await broker.publish(ids.map((id) => messageTo('q', id)))
    const logs: string[] = []
    const startWorker = (): StartedProcess => {
      logs.push(join(store.folder, `log-${logs.length}`))
      return startWorkload(processes, 'consume', { args: [store.path, logs.at(-1)!, '5'] })
    }
    const settled = (): number => logs.reduce((count, log) => count + readLog(log, 'settled').length, 0)

    let workers = [startWorker(), startWorker()]
    for (let kill = 1; kill <= kills; kill++) {
      const enough = Math.floor((messageCount * kill) / (kills + 1))
      await until(() => settled() >= enough, { what: `${enough} settled`, withinMs: 30_000 })
      await systemClock.sleep(Math.random() * 10)
      const [victim, ...others] = workers
      await victim!.kill('SIGKILL')
      workers = [...others, startWorker()]
    }
    await until(async () => (await broker.admin.counts('next')).waiting === messageCount, {
      what: 'every message to be settled',
      withinMs: 30_000,
    })
    for (const worker of workers) worker.signal('SIGTERM')
    await Promise.all(workers.map((worker) => worker.ends()))
    await broker.stop()

    const { messages, records, faults } = surveyStore(store.path)
    assert.deepEqual(faults, [])
    assert.sameMembers([...records], ids)
    assert.sameMembers(
      messages.map(({ id }) => id),
      ids.map((id) => `after-${id}`),
    )
    assert.deepEqual(
      logs.flatMap((log) => readLog(log, 'error')),
      [],
    )
    const claims = logs.flatMap((log) => readLog(log, 'claimed'))
    assert.isAtMost(claims.length - messageCount, kills * 16, 'more was repeated than the killed workers can have held')
    store.remove()
  })
})
