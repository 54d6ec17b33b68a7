// Messages that end their worker on every attempt, among good ones: F29 of the fault matrix.
import { assert } from 'chai'
import { assertPassed, type Calls, FaultRig, heldByWorker, isLong } from '../support/fault-rig.ts'
import type { HistoryEvent } from '../support/history.ts'
import { itSurvives } from '../support/it-survives.ts'
import { useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'

const goodCalls = 1_000
/** More lost workers than this and a message is set aside; the default is 10. */
const maxDeliveries = isLong ? 10 : 5
const poisons: Readonly<Record<string, Pick<Calls, 'task' | 'how'>>> = {
  SIGKILL: { task: 'die', how: 'kill' },
  memory: { task: 'die', how: 'memory' },
  'endless loop': { task: 'loop' },
  ...(isLong && {
    SIGSEGV: { task: 'die', how: 'segv' },
    abort: { task: 'die', how: 'abort' },
    exit: { task: 'die', how: 'exit' },
  }),
}

describe('messages that end their worker on every attempt', function () {
  this.timeout(isLong ? 1_200_000 : 120_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  itSurvives(
    `F29: poison (${Object.keys(poisons).join(', ')}) among ${goodCalls} good calls`,
    'run again maxDeliveries times at most, ever later, and are set aside; every good one runs',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes, {
        env: { UMBEL_MAX_DELIVERIES: String(maxDeliveries), NODE_OPTIONS: '--max-old-space-size=48' },
      })
      for (const poison of Object.values(poisons)) {
        const prefix = `poison-${poison.how ?? poison.task}`
        await rig.produce({ prefix, count: 1, ...poison }).succeeds()
      }
      const bad = new Set(Object.values(poisons).map((poison) => `poison-${poison.how ?? poison.task}-0`))
      await rig.produce({ prefix: 'good', count: goodCalls, ms: 2 }).succeeds()

      const kept = await rig.keepWorker()
      const report = await rig.judge(
        { mode: 'at-least-once', inFlight: heldByWorker, recoveryMs: 90_000, faults: 'expected', bad },
        { withinMs: isLong ? 900_000 : 90_000 },
      )
      await kept.stop()

      line.add(report)
      const history = rig.history()
      for (const id of bad) {
        const dead = history.find((event) => event.e === 'dead' && event.id === id)
        // Also when another one took its worker before it could begin, which counts as well; and that may happen once more while it is
        // being set aside. But it never runs again.
        const lost = Number((dead?.e === 'dead' ? dead.v : '').match(/^max-deliveries: (\d+) deliveries ended/)?.[1])
        assert.isAbove(lost, maxDeliveries)
        const starts = startsOf(history, id)
        assert.isAtMost(Math.max(...starts.map(({ losses }) => losses)), maxDeliveries)
        for (const [index, { at, losses }] of starts.entries()) {
          // After the second lost worker 125 ms at least, and twice as much each time.
          if (losses < 2 || index === 0) continue
          assert.isAtLeast(at - starts[index - 1]!.at, 125 * 2 ** (losses - 2), `wait of ${id} after ${losses} losses`)
        }
        const took = (starts.at(-1)!.at - starts[0]!.at) / 1_000
        line.figures.push(`${id.slice(7, -2)}: ${starts.length} attempts in ${took.toFixed(1)} s`)
      }
      const good = history.flatMap((event) =>
        event.e === 'run.start' && !bad.has(event.id) ? [event.attempt - 1] : [],
      )
      line.figures.push(`a good one lost ${Math.max(...good)} workers at most`)
      assertPassed(report)
      assert.equal(report.counts.completed, goodCalls)
      rig.close()
    },
  )

  for (const how of isLong ? (['kill', 'segv', 'abort', 'exit', 'memory'] as const) : (['exit'] as const)) {
    itSurvives(`F29: one alone (${how})`, 'is set aside after exactly maxDeliveries further attempts', async (line) => {
      const env = { UMBEL_MAX_DELIVERIES: '3', NODE_OPTIONS: '--max-old-space-size=48' }
      const rig = new FaultRig(tempFolder('crash'), processes, { env })
      await rig.produce({ prefix: 'poison', count: 1, task: 'die', how }).succeeds()

      const kept = await rig.keepWorker()
      const bad = new Set(['poison-0'])
      const report = await rig.judge({
        mode: 'at-least-once',
        inFlight: heldByWorker,
        recoveryMs: 15_000,
        faults: 'expected',
        bad,
      })
      await kept.stop()

      line.add(report)
      const history = rig.history()
      const starts = startsOf(history, 'poison-0')
      assert.deepEqual(
        starts.map(({ losses }) => losses),
        [0, 1, 2, 3],
      )
      assert.isTrue(
        history.some((event) => event.e === 'dead' && event.v.startsWith('max-deliveries: 4 deliveries ended')),
      )
      assert.equal(kept.deaths(), 4)
      line.figures.push(`4 attempts, set aside after ${((starts.at(-1)!.at - starts[0]!.at) / 1_000).toFixed(1)} s`)
      assertPassed(report)
      rig.close()
    })
  }
})

/** When each attempt of a call began, ms, and how many workers it had lost before. */
function startsOf(history: readonly HistoryEvent[], id: string): { at: number; losses: number }[] {
  return history.flatMap((event) =>
    event.e === 'run.start' && event.id === id ? [{ at: event.t / 1_000, losses: event.attempt - 1 }] : [],
  )
}
