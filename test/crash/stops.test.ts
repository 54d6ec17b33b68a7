// Workers stopped and killed under load: F01, F05, F06, F07 of the fault matrix.
import { assert } from 'chai'
import { assertPassed, FaultRig, heldByWorker, isLong, runByWorker } from '../support/fault-rig.ts'
import { itSurvives } from '../support/it-survives.ts'
import { type StartedProcess, useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const bounds = { mode: 'at-least-once', inFlight: heldByWorker, recoveryMs: 15_000, faults: 'expected' } as const

describe('workers killed at random', function () {
  this.timeout(isLong ? 3_600_000 : 90_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()
  const [calls, kills] = isLong ? [20_000, 100] : [2_000, 8]
  // So long that there is work left for the last of them.
  const ms = isLong ? 15 : 8

  itSurvives(
    `F01: ${kills} workers killed at random`,
    'lose nothing and run again only what they held',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const producer = rig.produce({ prefix: 'late', count: calls, ms, wait: 20 })

      await killRepeatedly(rig, kills)
      await rig.startWorker()
      await producer.succeeds({ withinMs: 600_000 })

      const report = await rig.judge(bounds, { withinMs: 300_000 })

      line.add(report)
      assertPassed(report)
      rig.close()
    },
  )

  itSurvives(
    `F01: ${kills} kills, at most once`,
    'never run an at-most-once task twice, and lose at most what they held',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const producer = rig.produce({ prefix: 'early', count: calls, ms, task: 'early' })

      await killRepeatedly(rig, kills)
      await rig.startWorker()
      await producer.succeeds({ withinMs: 600_000 })
      const report = await rig.judge({ ...bounds, mode: 'at-most-once', running: runByWorker }, { withinMs: 300_000 })

      line.add(report)
      assertPassed(report)
      line.figures.push(`at most once may lose what ran: ${kills * runByWorker} at most`)
      assert.equal(report.counts.repeats, 0)
      rig.close()
    },
  )

  async function killRepeatedly(rig: FaultRig, times: number): Promise<void> {
    for (let kill = 0; kill < times; kill++) {
      const worker = await rig.startWorker()
      const before = startsOf(rig, worker)
      await until(() => startsOf(rig, worker) > before + 3, { what: 'the worker to begin tasks', withinMs: 20_000 })
      // A time that nobody chose; the crash points are for the chosen ones.
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * (isLong ? 450 : 150)))
      await rig.kill(worker)
    }
  }
})

describe('a warm stop', function () {
  this.timeout(isLong ? 900_000 : 90_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()
  const stops = isLong ? 40 : 5

  for (const [how, ownGroup] of [
    ['F05: SIGTERM to the worker', false],
    ['F07: SIGTERM to its whole process group', true],
  ] as const) {
    itSurvives(how, 'loses nothing, repeats nothing and ends with exit code 0', async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const producer = rig.produce({ prefix: 'warm', count: isLong ? 10_000 : 1_000, ms: 20, wait: 20 })
      const took: number[] = []

      for (let stop = 0; stop < stops; stop++) {
        const worker = await rig.startWorker({ ownGroup })
        await until(() => startsOf(rig, worker) > 8, { what: 'the worker to begin tasks' })
        rig.note('warm-stop', worker.pid)
        const startedAt = performance.now()
        if (ownGroup) worker.signalGroup('SIGTERM')
        else worker.signal('SIGTERM')
        assert.deepEqual(await worker.ends(), { code: 0, signal: null }, worker.output)
        took.push(performance.now() - startedAt)
      }
      await rig.startWorker()
      await producer.succeeds({ withinMs: 300_000 })
      const report = await rig.judge({ ...bounds, faults: 'none' })

      line.add(report)
      line.figures.push(`slowest of ${stops} stops ${Math.round(Math.max(...took))} ms`)
      assertPassed(report)
      assert.equal(report.counts.repeats, 0)
      rig.close()
    })
  }
})

describe('a cold stop', function () {
  this.timeout(90_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  const ways: Record<string, (worker: StartedProcess) => Promise<void>> = {
    'SIGQUIT alone': async (worker) => void worker.signal('SIGQUIT'),
    'SIGTERM, then SIGQUIT': async (worker) => {
      worker.signal('SIGTERM')
      await worker.prints(/Warm stop/)
      worker.signal('SIGQUIT')
    },
    'a second SIGINT': async (worker) => {
      worker.signal('SIGINT')
      await worker.prints(/Warm stop/)
      worker.signal('SIGINT')
    },
  }
  for (const [how, send] of Object.entries(ways)) {
    itSurvives(`F06: ${how}`, 'gives back what runs, within two seconds', async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const worker = await rig.startWorker()
      const producer = rig.produce({ prefix: 'cold', count: 4, ms: 60_000 })
      await producer.succeeds()
      await until(() => startsOf(rig, worker) === 4, { what: 'the worker to begin all four' })

      rig.note('cold-stop', worker.pid)
      await send(worker)
      const startedAt = performance.now()
      await worker.ends({ withinMs: 5_000 })

      const tookMs = performance.now() - startedAt
      line.count({ accepted: 4 })
      line.figures.push(`ended within ${Math.round(tookMs)} ms`)
      assert.isBelow(tookMs, 2_000, 'time from the signal to the end')
      const released = rig.history('worker').filter((event) => event.e === 'released')
      assert.lengthOf(released, 4)
      const queues = JSON.parse(await rig.umbel(['--json', 'queues'])) as {
        queue: string
        waiting: number
        claimed: number
        dead: number
      }[]
      const queue = queues.find((one) => one.queue === 'celery')
      assert.deepInclude(queue, { waiting: 4, claimed: 0, dead: 0 }, 'all four are back, none failed')
      rig.close()
    })
  }

  itSurvives('F06: a third signal', 'ends at once, and what it held comes back', async (line) => {
    const rig = new FaultRig(tempFolder('crash'), processes)
    const worker = await rig.startWorker()
    await rig.produce({ prefix: 'hard', count: 4, ms: 300 }).succeeds()
    await until(() => startsOf(rig, worker) === 4, { what: 'the worker to begin all four' })

    rig.note('kill', worker.pid)
    worker.signal('SIGTERM')
    await worker.prints(/Warm stop/)
    worker.signal('SIGTERM')
    worker.signal('SIGQUIT')
    assert.deepEqual(await worker.ends({ withinMs: 5_000 }), { code: 1, signal: null }, 'it ended at once, not tidily')
    await rig.startWorker()

    const report = await rig.judge(bounds)
    line.add(report)
    assertPassed(report)
    rig.close()
  })
})

function startsOf(rig: FaultRig, worker: StartedProcess): number {
  return rig.history('worker').filter((event) => event.e === 'run.start' && event.pid === worker.pid).length
}
