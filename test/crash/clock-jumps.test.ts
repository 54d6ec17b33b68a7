// The wall clock of workers and callers jumps, each on its own: F26 of the fault matrix, as far as there is something to keep time.
import { assert } from 'chai'
import { needFakeTime, WallClock } from '../support/fake-time.ts'
import { assertPassed, FaultRig, heldByWorker, isLong } from '../support/fault-rig.ts'
import { itSurvives } from '../support/it-survives.ts'
import { useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const hourMs = 3_600_000
const jumps = [hourMs, -hourMs, 24 * hourMs, -24 * hourMs, 0]
/** The clock stands so long where it has jumped to. */
const stayMs = isLong ? 15_000 : 600
const bounds = { mode: 'at-least-once', inFlight: heldByWorker, recoveryMs: 15_000, faults: 'none' } as const

describe('a wall clock that jumps an hour or a day, to and fro', function () {
  this.timeout(isLong ? 600_000 : 60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  before(function () {
    needFakeTime(this)
  })

  itSurvives(
    'F26: clock of a worker',
    'of a worker costs it no lease, and starts nothing before its own time',
    async (line) => {
      const clock = new WallClock(tempFolder('clock'))
      const rig = new FaultRig(tempFolder('crash'), processes, {
        // Results last longer than the clock jumps: how long they are kept is counted from the worker's own clock.
        env: { UMBEL_LEASE_DURATION: '1s', UMBEL_RESULT_EXPIRES: '30d' },
      })
      const jumping = await rig.startWorker({ env: clock.env, concurrency: 4 })
      const due = new Date(Date.now() + 30 * 60_000).toISOString()
      await rig.produce({ prefix: 'due', count: 4, eta: due }).succeeds()
      const producer = rig.produce({
        prefix: 'a',
        count: jumps.length * 40,
        window: 4,
        ms: 60,
        wait: 10,
        everyMs: stayMs / 12,
      })
      await until(() => rig.history('worker').some(({ e }) => e === 'run.end'), { what: 'the worker to be at work' })

      for (const jump of jumps) {
        clock.set(jump)
        await new Promise((resolve) => setTimeout(resolve, stayMs))
      }
      await producer.succeeds({ withinMs: 120_000 })
      const report = await rig.judge(bounds)

      line.add(report)
      assertPassed(report)
      assert.equal(report.counts.repeats, 0)
      assert.notMatch(jumping.output, /lease of this worker had lapsed|passed to another worker/)
      const early = rig
        .history('worker')
        .filter(
          (event) => event.e === 'run.start' && event.id.startsWith('due-') && (event.wall ?? 0) < Date.parse(due),
        )
      assert.deepEqual(early, [], 'its own clock said that they were due')
      line.figures.push(`${early.length} early starts, 0 leases lost`)
      rig.close()
    },
  )

  itSurvives(
    'F26: clock of a caller',
    'of a caller moves what it counts on that clock, and nothing else',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes, { env: { UMBEL_RESULT_EXPIRES: '30d' } })
      const folder = tempFolder('clock')
      const workers = new WallClock(folder, 'worker')
      await rig.startWorker({ env: workers.env })
      for (const [index, jump] of jumps.entries()) {
        const clock = new WallClock(folder, `caller-${index}`)
        clock.set(jump)
        const plain = { prefix: `plain-${index}`, count: 20, wait: 5 }
        const counted = { prefix: `counted-${index}`, count: 5, countdownMs: 50 }
        const callers = [plain, counted].map((calls) => rig.produce(calls, undefined, { env: clock.env }))
        for (const caller of callers) await caller.succeeds()
      }
      const ran = (): string[] => rig.history('worker').flatMap((event) => (event.e === 'run.end' ? [event.id] : []))
      // Those whose callers were behind or right are due; those an hour and a day ahead are not.
      await until(() => ran().length === jumps.length * 20 + 3 * 5, { what: 'all that is due' })
      assert.deepEqual(
        ran().filter((id) => /^counted-[02]/.test(id)),
        [],
      )

      workers.set(24 * hourMs + 60_000)
      const report = await rig.judge(bounds)

      line.add(report)
      assertPassed(report)
      assert.equal(report.counts.completed, jumps.length * 25)
      rig.close()
    },
  )
})
