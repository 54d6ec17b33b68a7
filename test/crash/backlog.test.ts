// Due times beyond what a timer can hold (F27), and backlogs that no process may grow with (F42). A million each in the long form.
import { readFileSync } from 'node:fs'
import { assert } from 'chai'
import { type Calls, FaultRig, isLong } from '../support/fault-rig.ts'
import { type StartedProcess, useProcesses } from '../support/processes.ts'
import { skip } from '../support/skip.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const backlog = isLong ? 1_000_000 : 20_000
/** Calls that a worker runs before its memory is read. */
const atWork = 2_000
/** How much a worker may grow over what it needs with next to none waiting. */
const growthMb = 30
/** The collector lets a caller's heap grow while it makes a thousand calls at a time; holding on to a million would take a gigabyte. */
const callerGrowthMb = 150

describe('due times beyond 2^31 ms', function () {
  this.timeout(60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  it('keep their calls in the store, without a warning and without one that starts early (F27)', async () => {
    const rig = new FaultRig(tempFolder('crash'), processes)
    const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString()
    for (const [prefix, eta] of [
      ['25-days', inDays(25)],
      ['a-year', inDays(365)],
      ['year-9999', '9999-12-31T23:59:59Z'],
    ] as const) {
      await rig.produce({ prefix, count: 2, eta }).succeeds()
    }
    await rig.produce({ prefix: 'past', count: 2, eta: '1970-01-02T00:00:00Z' }).succeeds()

    const worker = await rig.startWorker()
    await until(() => finished(rig).length === 2, { what: 'the two calls that were due long ago' })
    // The worker has looked for due work, run what there was, and gone idle again.
    await rig.produce({ prefix: 'now', count: 2 }).succeeds()
    await until(() => finished(rig).length === 4, { what: 'the two calls without a due time' })

    assert.sameMembers(
      finished(rig).map((id) => id.replace(/-\d$/, '')),
      ['past', 'past', 'now', 'now'],
    )
    assert.notMatch(worker.output, /TimeoutOverflowWarning/)
    const [queue] = JSON.parse(await rig.umbel(['--json', 'queues'])) as { scheduled: number }[]
    assert.equal(queue?.scheduled, 6)
    rig.close()
  })

  it('that are no times are refused at the caller (F27)', async () => {
    const rig = new FaultRig(tempFolder('crash'), processes)

    await rig.produce({ prefix: 'nonsense', count: 1, eta: 'not a time' }).succeeds()

    const [refused] = rig.history('producer').filter((event) => event.e === 'pub.fail')
    assert.match(refused?.e === 'pub.fail' ? (refused.v ?? '') : '', /eta/)
    rig.close()
  })

  function finished(rig: FaultRig): string[] {
    return rig.history('worker').flatMap((event) => (event.e === 'run.end' ? [event.id] : []))
  }
})

describe(`a backlog of ${backlog.toLocaleString('en')} calls`, function () {
  this.timeout(isLong ? 3_600_000 : 120_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  for (const [kind, eta] of [
    ['waiting', undefined],
    ['parked until next year', new Date(Date.now() + 365 * 86_400_000).toISOString()],
  ] as const) {
    it(`${kind} does not make a worker or a caller grow (F42)`, async function () {
      if (process.platform !== 'linux') skip(this, 'memory is read from /proc')
      const rig = new FaultRig(tempFolder('crash'), processes)
      const due = eta === undefined ? {} : { eta }
      const small = await memoryAfter(rig, { prefix: 'small', count: atWork, window: 1_000, ...due })

      const large = await memoryAfter(rig, { prefix: 'large', count: backlog, window: 1_000, ...due })

      console.log(
        `    worker ${small.workerMb} → ${large.workerMb} MB, caller ${small.callerMb} → ${large.callerMb} MB`,
      )
      assert.isBelow(large.workerMb, small.workerMb + growthMb)
      assert.isBelow(large.callerMb, small.callerMb + callerGrowthMb)
      rig.close()
    })
  }

  /** Makes calls with no worker there, then has a worker run for a while, and reads the most memory that each ever had. */
  async function memoryAfter(rig: FaultRig, calls: Calls): Promise<{ callerMb: number; workerMb: number }> {
    const caller = await rig.produce(calls).succeeds({ withinMs: 1_800_000 })
    const callerMb = Number(caller.stdout.match(/at most (\d+) MB/)?.[1])
    const before = startsOf(rig)
    const worker = await rig.startWorker()
    if (calls.eta !== undefined)
      await rig.produce({ prefix: `${calls.prefix}-now`, count: atWork, window: 1_000 }).succeeds()
    await until(() => startsOf(rig) >= before + atWork, { what: 'the worker to have run some', withinMs: 60_000 })
    const workerMb = peakMb(worker)
    await worker.kill('SIGTERM')
    return { callerMb, workerMb }
  }

  function startsOf(rig: FaultRig): number {
    return rig.history('worker').filter((event) => event.e === 'run.start').length
  }
})

/** The most memory that it ever had, in MB. */
function peakMb(one: StartedProcess): number {
  const status = readFileSync(`/proc/${one.pid}/status`, 'utf8')
  return Math.round(Number(status.match(/VmHWM:\s+(\d+) kB/)?.[1]) / 1024)
}
