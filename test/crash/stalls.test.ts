// Tasks that keep the event loop, or make errors that nobody handles: F43, F44, F46 of the fault matrix, in the async pool.
import { join } from 'node:path'
import { assert } from 'chai'
import { projectRoot, type StartedProcess, useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const app = join(projectRoot, 'test/crash/workload/stalling-app.js')

describe('a worker whose event loop is kept', function () {
  this.timeout(60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  /** The command line over one fresh store. */
  function command(env: Readonly<Record<string, string>> = {}) {
    const broker = `sqlite://${join(tempFolder('stalls'), 'store.db')}`
    return (...args: string[]): StartedProcess => processes.umbel(['-A', app, '-b', broker, ...args], { env })
  }

  async function call(umbel: ReturnType<typeof command>, task: string, ...args: unknown[]): Promise<string> {
    const { stdout } = await umbel('call', task, '--args', JSON.stringify(args)).succeeds()
    return stdout.trim().split('\n').at(-1)!
  }

  async function stateOf(umbel: ReturnType<typeof command>, id: string): Promise<unknown> {
    const result = umbel('--json', 'result', id)
    await result.ends()
    return JSON.parse(result.stdout || result.stderr)
  }

  it('says by which task while it lasts and how long it was afterwards, and nobody else gets the task (F43)', async () => {
    const umbel = command()
    const id = await call(umbel, 'stalling.block', 3_000)
    const first = umbel('worker')
    const second = umbel('worker')

    await first.prints(/ready/)
    await second.prints(/ready/)
    const done = umbel('--json', 'result', id, '--timeout', '20s')
    await done.ends()

    const output = `${first.output}${second.output}`
    assert.match(
      output,
      new RegExp(`the event loop has been blocked for 1(\\.\\d)? s by task "stalling.block" \\(${id}\\)`),
    )
    assert.match(output, /The event loop was blocked for (2\.[789]|3(\.\d)?) s, by \\?"stalling\.block/)
    assert.lengthOf(output.match(/stalling\.block\[.*?succeeded/g) ?? [], 1)
  })

  it('has no say any more in tasks that others took over while it stood still for longer than its lease', async () => {
    const umbel = command()
    const frozen = umbel('worker', '-n', 'frozen@test')
    await frozen.prints(/ready/)
    const id = await call(umbel, 'stalling.waits', 1_000)
    await until(() => frozen.signal('SIGUSR2') && frozen.stderr.includes(`  stalling.waits ${id} `), {
      what: 'the first worker to run it',
    })

    frozen.signal('SIGSTOP')
    const other = umbel('worker', '-n', 'other@test')
    await other.prints(new RegExp(`stalling\\.waits\\[${id}\\] succeeded`))
    frozen.signal('SIGCONT')
    await frozen.prints(/passed to another worker/)

    assert.match(frozen.stderr, /The lease of this worker had lapsed/)
    assert.notMatch(frozen.stderr, /has been blocked/, 'standing still is no fault of a task')
    const [queue] = JSON.parse((await umbel('--json', 'queues').succeeds()).stdout)
    assert.deepInclude(queue, { waiting: 0, claimed: 0, dead: 0 })
    const next = await call(umbel, 'stalling.quick', 1)
    await until(() => `${frozen.stderr}${other.stderr}`.includes(`stalling.quick[${next}] succeeded`), {
      what: 'the next task',
    })
  })

  it('ends itself when the task is past its hard limit, and says why (F44)', async () => {
    const umbel = command()
    const id = await call(umbel, 'stalling.limited', 600_000)
    const worker = umbel('worker')

    const { signal } = await worker.ends()

    assert.equal(signal, 'SIGKILL')
    assert.match(
      worker.stderr,
      new RegExp(
        `blocked for [\\d.]+ s by task "stalling.limited" \\(${id}\\), and the hard time limit of 0.2 s is over`,
      ),
    )
    const [queue] = JSON.parse((await umbel('--json', 'queues').succeeds()).stdout)
    assert.equal(queue.waiting + queue.claimed, 1, 'the message is still there')
  })

  it('ends itself after workerMaxBlockedLoop (F43)', async () => {
    const umbel = command({ MAX_BLOCKED: '2s' })
    await call(umbel, 'stalling.block', 600_000)
    const worker = umbel('worker')

    const { signal } = await worker.ends()

    assert.equal(signal, 'SIGKILL')
    assert.match(worker.stderr, /`workerMaxBlockedLoop` is 2 s\. Ending the process/)
  })

  it('names the task of an error that nobody handles, and goes on (F46)', async () => {
    const umbel = command()
    const id = await call(umbel, 'stalling.forgets')
    const worker = umbel('worker')
    await worker.prints(/stalling\.forgets.*succeeded/)
    const next = await call(umbel, 'stalling.quick', 7)

    await worker.prints(new RegExp(`stalling\\.quick\\[${next}\\] succeeded`))

    assert.match(worker.stderr, new RegExp(`nobody awaits this.*in task \\\\"stalling\\.forgets\\\\" \\(${id}\\)`))
    assert.match(worker.stderr, new RegExp(`thrown from a timer.*in task \\\\"stalling\\.forgets\\\\" \\(${id}\\)`))
    assert.deepInclude((await stateOf(umbel, id)) as object, { state: 'SUCCESS' })
    worker.signal('SIGTERM')
    assert.deepEqual(await worker.ends(), { code: 0, signal: null })
  })

  it('prints what runs on USR2, whatever the log level', async () => {
    const umbel = command()
    const worker = umbel('worker', '-l', 'error', '-n', 'w1@test')
    await worker.prints(/ready/)
    const id = await call(umbel, 'stalling.waits', 60_000)
    await until(() => worker.signal('SIGUSR2') && worker.stderr.includes(`  stalling.waits ${id} from celery, for `), {
      what: 'the task in what USR2 prints',
    })
    assert.match(worker.stderr, /w1@test runs 1 tasks/)

    worker.signal('SIGQUIT')

    assert.deepEqual(await worker.ends(), { code: 0, signal: null })
  })
})
