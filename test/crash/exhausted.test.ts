// No file descriptor left, and a log that can't be written: F47 of the fault matrix.
import { assert } from 'chai'
import { assertPassed, FaultRig, heldByWorker } from '../support/fault-rig.ts'
import { itSurvives } from '../support/it-survives.ts'
import { limited } from '../support/limits.ts'
import { useProcesses } from '../support/processes.ts'
import { skip } from '../support/skip.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { surveyRows } from './store/survey-rows.ts'

const bounds = { mode: 'at-least-once', inFlight: heldByWorker, recoveryMs: 15_000, faults: 'none' } as const

describe('a process that has run out of something', function () {
  this.timeout(60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  before(function () {
    if (process.platform !== 'linux') skip(this, 'needs /dev/full and /proc')
  })

  itSurvives(
    'F47: not one file descriptor left for a second',
    'goes on with what it has, and recovers',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const worker = await rig.startWorker({ wrap: (command, args) => limited({ descriptors: 64 }, command, args) })
      await rig.produce({ prefix: 'hoard', count: 1, task: 'hoard', ms: 1_000 }).succeeds()
      const producer = rig.produce({ prefix: 'other', count: 200, window: 10, ms: 5, wait: 10, everyMs: 50 })
      await producer.succeeds()
      const report = await rig.judge(bounds)

      line.add(report)
      assertPassed(report)
      assert.equal(report.counts.repeats, 0)
      assert.isTrue(worker.isRunning)
      const next = await rig.startWorker()
      await rig.produce({ prefix: 'after', count: 20 }).succeeds()
      await until(() => rig.history('worker').filter(({ e }) => e === 'run.end').length === 221, {
        what: 'the calls afterwards',
      })
      await next.kill('SIGTERM')
      rig.close()
    },
  )

  itSurvives(
    'F47: too few file descriptors to open the store',
    'tells its caller so by name, and works with enough of them',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const wrap = (command: string, args: readonly string[]) => limited({ descriptors: 256 }, command, args)
      const one = await rig.node('scarce.js', {}, { wrap }).succeeds()

      const outcomes = JSON.parse(one.stdout) as string[]
      const refusals = outcomes.slice(0, -1)
      assert.equal(outcomes.at(-1), 'ok')
      assert.isAbove(refusals.length, 2)
      for (const refusal of refusals) assert.match(refusal, /^(StoreUnusable|BrokerUnavailable): .*file/)
      const { messages, faults } = surveyRows(rig.store)
      assert.deepEqual([messages, faults], [[`scarce-${refusals.length}`, 'plenty'], []], 'refused is refused')
      line.count({ accepted: 2 })
      line.figures.push(`refused with 0 to ${refusals.length - 1} descriptors left`)
      rig.close()
    },
  )

  for (const [what, wrap, ready] of [
    ['log on a full disk', (command, args) => limited({ stderrTo: '/dev/full' }, command, args), /is ready/],
    [
      'log into a pipe that nobody reads',
      (command, args) => ['bash', ['-c', 'exec "$0" "$@" 2> >(head -n 1 >&2)', command, ...args]],
      /is ready/,
    ],
  ] as const satisfies readonly (readonly [
    string,
    (command: string, args: readonly string[]) => [string, string[]],
    RegExp,
  ])[]) {
    itSurvives(`F47: ${what}`, 'works on', async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const worker = await rig.startWorker({ wrap, ready })
      await rig.produce({ prefix: 'a', count: 200, wait: 20 }).succeeds()
      const report = await rig.judge(bounds)

      line.add(report)
      assertPassed(report)
      assert.isTrue(worker.isRunning)
      worker.signal('SIGTERM')
      assert.deepEqual(await worker.ends(), { code: 0, signal: null })
      rig.close()
    })
  }
})
