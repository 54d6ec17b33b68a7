import { assert } from 'chai'
import { descendantsOf, isDead, processState, useFreezer } from '../../support/freezer.ts'
import { killByPlan, killForReal, killMoments, seededRandom } from '../../support/killer.ts'
import { type StartedProcess, useProcesses } from '../../support/processes.ts'
import { skip } from '../../support/skip.ts'
import { until } from '../../support/until.ts'

const ticking = 'setInterval(() => process.stdout.write("."), 5)'

describe('freezer', () => {
  const processes = useProcesses()
  const freezer = useFreezer()
  const left: number[] = []

  before(function () {
    if (process.platform !== 'linux') skip(this, 'the state of a process is read from /proc')
  })

  it('stops a process in its tracks, and thaws it', async () => {
    const one = processes.start(process.execPath, ['-e', ticking])
    await one.prints('..')

    const thaw = await freezer.freeze(one.pid)

    assert.equal(processState(one.pid)?.state, 'T')
    const before = one.stdout.length
    thaw()
    await until(() => one.stdout.length > before + 2, { what: 'it to go on' })
  })

  it('stops what the process has started too, unless told otherwise', async () => {
    const parent = processes.start('sh', ['-c', `"$0" -e '${ticking}' & wait`, process.execPath], { ownGroup: true })
    await parent.prints('..')
    const [child] = descendantsOf(parent.pid)

    await freezer.freeze(parent.pid)
    assert.equal(processState(child!)?.state, 'T')
    freezer.thawAll()
    await freezer.freeze(parent.pid, { alone: true })

    assert.equal(processState(parent.pid)?.state, 'T')
    assert.notEqual(processState(child!)?.state, 'T')
  })

  it('thaws at the end of a test whatever it has frozen', async () => {
    const one = processes.start(process.execPath, ['-e', ticking])
    await one.prints('..')
    await freezer.freeze(one.pid)
    left.push(one.pid)
    // Looked at in the hook below, after the freezer's own.
  })
  afterEach(() => {
    for (const pid of left.splice(0)) assert.notEqual(processState(pid)?.state, 'T')
  })
})

describe('killer', () => {
  const processes = useProcesses()

  before(function () {
    if (process.platform !== 'linux') skip(this, 'the state of a process is read from /proc')
  })

  it('resolves when nothing of the process runs any more, and tells one that had ended before', async () => {
    const one = processes.start(process.execPath, ['-e', ticking])
    await one.prints('.')

    assert.isTrue(await killForReal(one))
    assert.isTrue(isDead(one.pid))
    await one.ends()
    assert.isFalse(await killForReal(one))
  })

  it('kills a frozen process too', async () => {
    const one = processes.start(process.execPath, ['-e', ticking])
    await one.prints('.')
    one.signal('SIGSTOP')

    assert.isTrue(await killForReal(one))
  })

  it('refuses what is no single process', async () => {
    for (const pid of [-1, 0, 1])
      await killForReal(pid).then(
        () => assert.fail('it should have refused'),
        (error: Error) => assert.match(error.message, /not the pid/),
      )
  })

  it('plans the same moments for the same seed, within their bounds', () => {
    const plan = { count: 100, fromMs: 10, toMs: 30 }

    assert.deepEqual(killMoments({ ...plan, seed: 7 }), killMoments({ ...plan, seed: 7 }))
    assert.notDeepEqual(killMoments({ ...plan, seed: 7 }), killMoments({ ...plan, seed: 8 }))
    const moments = killMoments({ ...plan, seed: 9 })
    assert.isAtLeast(Math.min(...moments), 10)
    assert.isBelow(Math.max(...moments), 30)
    assert.isAbove(new Set(moments).size, 90)
  })

  it('spreads its numbers evenly', () => {
    const random = seededRandom(1)
    const buckets = Array.from({ length: 10 }, () => 0)
    for (let i = 0; i < 10_000; i++) buckets[Math.floor(random() * 10)]!++
    assert.isAbove(Math.min(...buckets), 900)
    assert.isBelow(Math.max(...buckets), 1_100)
  })

  it('goes through a plan, one victim after the other', async () => {
    const victims: StartedProcess[] = []
    const killed: boolean[] = []

    await killByPlan(
      { seed: 1, count: 2, fromMs: 1, toMs: 10 },
      async () => {
        const one = processes.start(process.execPath, ['-e', ticking])
        await one.prints('.')
        victims.push(one)
        return one
      },
      (_kill, wasAlive) => void killed.push(wasAlive),
    )

    assert.deepEqual(killed, [true, true])
    for (const victim of victims) assert.equal((await victim.ends()).signal, 'SIGKILL')
  })
})
