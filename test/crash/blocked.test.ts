// A task that keeps the event loop for several leases, with two workers: F43 of the fault matrix. stalls.test.ts has what is logged and ended.
import { assert } from 'chai'
import { openDatabase } from '../../lib/driver/sqlite/sqlite-database.ts'
import { assertPassed, FaultRig, heldByWorker, isLong } from '../support/fault-rig.ts'
import { itSurvives } from '../support/it-survives.ts'
import { useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const leaseMs = isLong ? 10_000 : 1_000
const blockMs = isLong ? 150_000 : 3_000

describe('a task that blocks its worker', function () {
  this.timeout(isLong ? 600_000 : 60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  itSurvives(
    `F43: the event loop blocked for ${blockMs / leaseMs} leases`,
    'starts once, its lease is renewed meanwhile, and the other worker goes on',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes, { env: { UMBEL_LEASE_DURATION: `${leaseMs}ms` } })
      const other = await rig.startWorker({ queues: ['celery'] })
      const calls = { prefix: 'other', count: Math.round(blockMs / 10) + 100, window: 5, ms: 10, wait: 20, everyMs: 50 }
      const producer = rig.produce(calls)
      await until(() => rig.history('worker').some(({ e }) => e === 'run.end'), {
        what: 'the other worker to be at work',
      })
      await rig.produce({ prefix: 'block', queues: ['blocking'], count: 1, task: 'block', ms: blockMs }).succeeds()
      const blocked = await rig.startWorker({ queues: ['blocking', 'celery'], ready: /./ })
      const isBlocked = (): boolean =>
        rig.history('worker').some((event) => event.e === 'run.start' && event.id === 'block-0')
      await until(isBlocked, { what: 'the task to block' })
      const startedAt = performance.now()

      const leases: number[] = []
      while (performance.now() - startedAt < blockMs * 0.9) {
        leases.push(leaseOf(rig.store, blocked.pid))
        await new Promise((resolve) => setTimeout(resolve, leaseMs / 2))
      }
      await producer.succeeds({ withinMs: 120_000 })
      const report = await rig.judge({
        mode: 'at-least-once',
        inFlight: heldByWorker,
        recoveryMs: 15_000,
        quietMs: 2_500,
        faults: 'none',
      })

      line.add(report)
      line.figures.push(
        `1 start, ${new Set(leases).size} renewals seen, longest standstill of the others ${Math.round(report.counts.longestQuietMs)} ms`,
      )
      assertPassed(report)
      assert.equal(report.counts.repeats, 0)
      assert.isAtLeast(new Set(leases).size, Math.floor(blockMs / leaseMs) - 1, 'renewals of the blocked worker')
      const during = rig.history('worker').filter(({ e, pid }) => e === 'run.end' && pid === other.pid).length
      assert.isAbove(during, 10)
      assert.match(blocked.stderr, /has been blocked for [\d.]+ s by task "faults\.block" \(block-0\)/)
      assert.match(blocked.stderr, /The event loop was blocked for [\d.]+ s, by \\?"faults\.block/)
      rig.close()
    },
  )
})

/** Until when the claims of a process are its own. */
function leaseOf(path: string, pid: number): number {
  const database = openDatabase(path, { busyTimeoutMs: 5_000 })
  try {
    return Number(database.statement('select max(lease_until) from owners where pid = ?').all([pid])[0]?.[0])
  } finally {
    database.close()
  }
}
