// A process killed at every crash point that there is, each with links to follow: F02 of the fault matrix.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { assertPassed, FaultRig, heldByWorker, isLong } from '../support/fault-rig.ts'
import { itSurvives } from '../support/it-survives.ts'
import { projectRoot, useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { surveyRows } from './store/survey-rows.ts'

/** What a worker has to be doing to come by a point. */
type Scene =
  | 'calls'
  | 'due'
  | 'not-due'
  | 'refused'
  | 'given-back'
  | 'recovers'
  | 'stops'
  | 'starts'
  | 'lease'
  | 'tracked'
  | 'tidies'

const commit = (kind: string, scene: Scene): Record<string, Scene> => ({
  [`${kind}.beforeCommit`]: scene,
  [`${kind}.afterCommit`]: scene,
})

/** Points in a worker. */
const workerPoints: Readonly<Record<string, Scene>> = {
  ...commit('declare queues', 'starts'),
  ...commit('consume', 'starts'),
  'lease.started': 'starts',
  'lease.beforeRenew': 'lease',
  'lease.afterRenew': 'lease',
  ...commit('claim', 'calls'),
  'promote.copied': 'due',
  'worker.afterClaim': 'calls',
  'worker.duringRun': 'calls',
  ...commit('store results', 'tracked'),
  'worker.beforeSettle': 'calls',
  'settle.beforeRecords': 'calls',
  'settle.beforeFollowUps': 'calls',
  'settle.dead-letter': 'refused',
  'settle.give-back': 'given-back',
  'settle.park': 'not-due',
  ...commit('settle', 'calls'),
  'worker.afterSettle': 'calls',
  'recover.copied': 'recovers',
  ...commit('recover', 'recovers'),
  'stop.begun': 'stops',
  'stop.runsEnded': 'stops',
  'stop.helpersStopped': 'stops',
  ...commit('release claims', 'stops'),
  ...commit('remove what has expired', 'tidies'),
}
/** Points in other programs, and the act of workload/act.js that comes by. */
const programPoints: Readonly<Record<string, string>> = {
  'publish.beforeCommit': 'publish',
  'publish.afterCommit': 'publish',
  'result.read': 'read',
  'forget results.beforeCommit': 'forget',
  'forget results.afterCommit': 'forget',
  'change state.beforeCommit': 'revoke',
  'change state.afterCommit': 'revoke',
  'broadcast.beforeCommit': 'revoke',
  'broadcast.afterCommit': 'revoke',
  'pause or resume.beforeCommit': 'pause',
  'pause or resume.afterCommit': 'pause',
  'purge.beforeCommit': 'purge',
  'purge.afterCommit': 'purge',
  'replay dead letters.beforeCommit': 'replay',
  'replay dead letters.afterCommit': 'replay',
  'drop dead letters.beforeCommit': 'drop',
  'drop dead letters.afterCommit': 'drop',
}

const callsOfPoint = isLong ? 50 : 8
/** Housekeeping comes by every half minute; crash-points.test.ts goes through the commits of claims and settlements, and the runs between. */
const isTriedElsewhere = /^(claim|settle)\.(before|after)Commit$|^worker\./
const tried = Object.entries(workerPoints).filter(
  ([point, scene]) => isLong || (scene !== 'tidies' && !isTriedElsewhere.test(point)),
)

describe('a process that is killed at any crash point that there is', function () {
  this.timeout(isLong ? 900_000 : 90_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  it('(all of them stand in the tables above)', () => {
    assert.sameMembers([...Object.keys(workerPoints), ...Object.keys(programPoints)], pointsInSource())
  })

  itSurvives(
    `F02: ${tried.length} points in workers, ${callsOfPoint} calls with a link each`,
    'in a worker: nothing is lost, links follow their tasks, only its own tasks run again',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const queueOf = (point: string): string => point.replaceAll(/[ .]/g, '-')
      const queuesOf = (...scenes: Scene[]): string[] =>
        tried.filter(([, scene]) => scenes.includes(scene)).map(([point]) => queueOf(point))
      const inQueues = (prefix: string, queues: readonly string[]) => ({
        prefix,
        queues,
        count: queues.length * callsOfPoint,
      })
      const plain = queuesOf('calls', 'recovers', 'stops', 'starts', 'lease', 'tracked', 'tidies')
      await Promise.all(
        [
          rig.produce({ ...inQueues('linked', plain), ms: 20, link: true }),
          rig.produce({ ...inQueues('given-back', queuesOf('given-back')), task: 'waver', link: true }),
          rig.produce({ ...inQueues('refused', queuesOf('refused')), task: 'refuse' }),
        ].map((producer) => producer.succeeds()),
      )
      const bad = new Set(
        rig
          .history('producer')
          .flatMap((event) => (event.e === 'pub.ok' && event.id.startsWith('refused-') ? [event.id] : [])),
      )

      // Any worker promotes what is due and takes back what the dead held, so these are alone.
      const isAlone = (scene: Scene): boolean => scene === 'due' || scene === 'recovers'
      for (const [point, scene] of tried) if (isAlone(scene)) await dieAt(rig, { point, scene, queue: queueOf(point) })
      const left = tried.filter(([, scene]) => !isAlone(scene))
      const lane = async (): Promise<void> => {
        for (let next = left.shift(); next !== undefined; next = left.shift())
          await dieAt(rig, { point: next[0], scene: next[1], queue: queueOf(next[0]) })
      }
      await Promise.all([lane(), lane()])
      await rig.startWorker({ queues: tried.map(([point]) => queueOf(point)) })
      const report = await rig.judge({
        mode: 'at-least-once',
        inFlight: heldByWorker,
        recoveryMs: 120_000,
        faults: 'expected',
        bad,
      })

      line.add(report)
      line.recoveryMs = undefined // a queue waits here for its turn, not for its recovery
      assertPassed(report)
      assert.deepEqual(surveyRows(rig.store).faults, [])
      rig.close()
    },
  )

  itSurvives(
    `F02: ${Object.keys(programPoints).length} points in other programs`,
    'in another program: the store is whole, and the act can be done again',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      await rig.produce({ prefix: 'kept', count: 20, queues: ['celery'] }).succeeds()
      await rig.produce({ prefix: 'dead', count: 5, queues: ['celery'], task: 'refuse' }).succeeds()
      const worker = await rig.startWorker()
      await until(() => surveyRows(rig.store).dead.length === 5, { what: 'the dead letters' })
      await worker.kill('SIGTERM')
      await rig.produce({ prefix: 'acted-on', count: 20, queues: ['acted-on'] }).succeeds()
      line.count({ accepted: 45 })

      const before = surveyRows(rig.store)
      const dieIn = async (point: string, act: string): Promise<void> => {
        const ids = act === 'publish' ? [point] : ['kept-1']
        const one = rig.node('act.js', { act, ids }, { env: { UMBEL_FAULT: `${point}:1:sigkill` } })
        assert.equal((await one.ends()).signal, 'SIGKILL', `${point} was not come by:\n${one.output}`)
        const { faults, messages, dead } = surveyRows(rig.store)
        assert.deepEqual(faults, [], point)
        if (point === 'publish.beforeCommit') assert.notInclude(messages, point)
        if (point === 'publish.afterCommit') assert.include(messages, point)
        if (point === 'purge.beforeCommit') assert.isAtLeast(messages.length, 20)
        if (point === 'drop dead letters.beforeCommit') assert.isAbove(dead.length, 0)
      }
      // What empties the queue stays in turn with what fills it.
      const inTurn = new Set(['publish', 'purge', 'pause'])
      const lanes = [true, false].map(async (isFirst) => {
        for (const [point, act] of Object.entries(programPoints))
          if (inTurn.has(act) === isFirst) await dieIn(point, act)
      })
      await Promise.all(lanes)
      // And the acts themselves, with nobody killed.
      for (const act of ['publish', 'read', 'revoke', 'pause', 'replay', 'drop', 'purge', 'forget'])
        await rig.node('act.js', { act, ids: ['again'] }).succeeds()
      const after = surveyRows(rig.store)
      assert.deepEqual(after.faults, [])
      assert.includeMembers(
        [...after.records],
        before.records.filter((id) => id !== 'kept-1'),
      )
      assert.lengthOf(after.dead, 1, 'two were replayed and two dropped')
      rig.close()
    },
  )

  /** Starts a worker that dies at the point, and whatever it takes to get it there. */
  async function dieAt(
    rig: FaultRig,
    { point, scene, queue }: { point: string; scene: Scene; queue: string },
  ): Promise<void> {
    if (scene === 'not-due') {
      const calls = {
        prefix: 'not-due',
        queues: [queue],
        count: callsOfPoint,
        noDue: true,
        eta: inMs(2_000),
        link: true,
      }
      await rig.produce(calls).succeeds()
    }
    if (scene === 'due') {
      const calls = { prefix: 'due', queues: [queue], count: callsOfPoint, eta: inMs(1_000), link: true }
      await rig.produce(calls).succeeds()
    }
    if (scene === 'recovers') {
      const first = await rig.startWorker({ queues: [queue], fault: 'worker.duringRun:3:sigkill' })
      await first.ends()
      rig.note('kill', first.pid)
    }
    const env: Record<string, string> = {}
    if (scene === 'lease') env['UMBEL_LEASE_DURATION'] = '1s'
    if (scene === 'tracked') env['UMBEL_TASK_TRACK_STARTED'] = 'true'
    const doomed = await rig.startWorker({ queues: [queue], fault: `${point}:1:sigkill`, env })
    if (scene === 'stops') {
      await until(() => rig.history('worker').some(({ e, pid }) => e === 'run.start' && pid === doomed.pid), {
        what: 'a task to run',
      })
      doomed.signal('SIGTERM')
    }
    const { signal } = await doomed.ends({ withinMs: 60_000 })
    assert.equal(signal, 'SIGKILL', `${point} was not come by:\n${doomed.output}`)
    rig.note('kill', doomed.pid)
  }
})

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString()
}

/** Every name that the source gives to `crashPoint`, and two for each kind of write transaction. */
function pointsInSource(): string[] {
  const code = ['lib', 'workers']
    .flatMap((top) =>
      readdirSync(join(projectRoot, top), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(projectRoot, top, name),
      ),
    )
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')
  const named = [...code.matchAll(/crashPoint\('([^']+)'\)/g)].map(([, name]) => name!)
  const ways = ['give-back', 'park', 'dead-letter'].map((disposition) => `settle.${disposition}`)
  const kinds = [...code.matchAll(/name: '([^']+)',\n\s+weight[:(]/g)].map(([, name]) => name!)
  assert.match(code, /crashPoint\(`settle\.\$\{disposition\}`\)/, 'what `ways` stands for')
  assert.isAbove(kinds.length, 10)
  return [...new Set([...named, ...ways, ...kinds.flatMap((kind) => [`${kind}.beforeCommit`, `${kind}.afterCommit`])])]
}
