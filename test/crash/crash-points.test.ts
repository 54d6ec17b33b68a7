// Workers and callers killed at every named point of a task's life (F01 of the fault matrix): nothing that was accepted is lost, and what ran twice was a
// killed worker's. 10,000 calls in all; ten times as many in the long form.
import { assert } from 'chai'
import type { HistoryReport } from '../support/check-history.ts'
import { assertPassed, FaultRig, heldByWorker, isLong } from '../support/fault-rig.ts'
import { itSurvives } from '../support/it-survives.ts'
import { type StartedProcess, useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'

const workerPoints = [
  'claim.beforeCommit',
  'claim.afterCommit',
  'worker.afterClaim',
  'worker.duringRun',
  'worker.beforeSettle',
  'settle.beforeCommit',
  'settle.afterCommit',
  'worker.afterSettle',
] as const
const callerPoints = ['publish.beforeCommit', 'publish.afterCommit'] as const

/** At which passage through the point the process dies: some at once, some in the middle of the work. */
const passages = [1, 4, 7]
const calls = isLong ? 10_000 : 1_000
const kills = isLong ? 20 : 4

describe('a process that dies at a named point', function () {
  this.timeout(isLong ? 600_000 : 90_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()
  const totals = { resolved: 0, completed: 0, repeats: 0, kills: 0, longestRecoveryMs: 0 }

  after(() => {
    console.log(
      `    in all: ${totals.resolved} calls resolved, ${totals.completed} completed, ${totals.kills} kills, ${totals.repeats} repeats, ` +
        `longest recovery ${Math.round(totals.longestRecoveryMs)} ms`,
    )
  })

  for (const point of workerPoints) {
    itSurvives(
      `F02: ${kills} workers killed at ${point}`,
      'loses nothing, and only its own tasks run again',
      async (line) => {
        const rig = new FaultRig(tempFolder('crash'), processes)
        const waiting: StartedProcess[] = []
        // Slow, so that there is work left for those that die.
        const steady = await rig.startWorker({ concurrency: 1 })

        for (let kill = 0; kill < kills; kill++) {
          const doomed = await rig.startWorker({ fault: `${point}:${passages[kill % passages.length]}:sigkill` })
          const share = calls / kills
          const producer = rig.produce({ prefix: point, from: kill * share, count: share, ms: 5, wait: 50 })
          const { signal } = await doomed.ends({ withinMs: 30_000 })
          assert.equal(signal, 'SIGKILL', doomed.output)
          rig.note('kill', doomed.pid)
          waiting.push(producer)
        }
        await rig.startWorker()
        for (const producer of waiting) await producer.succeeds({ withinMs: 120_000 })
        const report = await rig.judge({
          mode: 'at-least-once',
          inFlight: heldByWorker,
          recoveryMs: 15_000,
          faults: faultsFor(point),
        })

        line.add(report)
        assertPassed(report)
        assert.equal(report.counts.resolved, calls)
        assert.isTrue(steady.isRunning)
        add(report)
        rig.close()
      },
    )
  }

  for (const point of callerPoints) {
    itSurvives(
      `F02: ${kills} callers killed at ${point}`,
      'what had resolved runs, and what is unknown runs at most once',
      async (line) => {
        const rig = new FaultRig(tempFolder('crash'), processes)
        await rig.startWorker()

        let from = 0
        for (let kill = 1; kill <= kills; kill++) {
          const share = calls / kills
          const caller = rig.produce(
            { prefix: point, from, count: share, window: 10, wait: 50 },
            `${point}:${8 + 3 * (kill % 4)}:sigkill`,
          )
          assert.equal((await caller.ends()).signal, 'SIGKILL', caller.output)
          from += share
        }
        await rig.produce({ prefix: `${point}-rest`, count: calls, wait: 50 }).succeeds()
        const report = await rig.judge({
          mode: 'at-least-once',
          inFlight: heldByWorker,
          recoveryMs: 15_000,
          faults: 'none',
        })

        line.add(report)
        assertPassed(report)
        assert.isAbove(report.counts.unknown, 0, 'some calls were under way when their process died')
        assert.equal(report.counts.repeats, 0)
        add(report)
        rig.close()
      },
    )
  }

  function add(report: HistoryReport): void {
    totals.resolved += report.counts.resolved
    totals.completed += report.counts.completed
    totals.repeats += report.counts.repeats
    totals.kills += kills
    totals.longestRecoveryMs = Math.max(totals.longestRecoveryMs, report.counts.longestRecoveryMs)
  }
})

/** Before the first claim is committed nothing has started, so such a kill can't hit a run. */
function faultsFor(point: string): 'expected' | 'none' {
  return point.startsWith('claim.') || point === 'worker.afterClaim' ? 'none' : 'expected'
}
