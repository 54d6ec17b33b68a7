// The worker command as a user types it: its own process, against an embedded store in a temporary folder.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assert } from 'chai'
import { projectRoot, type StartedProcess, useProcesses } from '../../../support/processes.ts'
import { useTempFolders } from '../../../support/temp-folder.ts'

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const main = join(projectRoot, 'workers/cli/main.ts')
const library = pathToFileURL(join(projectRoot, 'lib/index.ts')).href

describe('umbel worker', function () {
  this.timeout(60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  /** Runs `umbel -A ./app.ts …` where the app's tasks stand in a module beside it. */
  function command(settings = "{ imports: ['./tasks.ts'] }") {
    const folder = tempFolder('umbel-worker')
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
    writeFileSync(
      join(folder, 'app.ts'),
      `import { Umbel } from '${library}'\nexport const app = new Umbel('shop', ${settings})\n`,
    )
    writeFileSync(
      join(folder, 'tasks.ts'),
      `import { sharedTask } from '${library}'\nexport const add = sharedTask('add', (x: number, y: number) => x + y)\n`,
    )
    const env = { UMBEL_BROKER: `sqlite://${join(folder, 'store.db')}` }
    return (...args: string[]): StartedProcess =>
      // From another folder: what the app imports counts from the app's own.
      processes.start(process.execPath, ['--import', tsx, main, '-A', join(folder, 'app.ts'), ...args], {
        cwd: projectRoot,
        env,
      })
  }

  it('says what it is and what holds, runs tasks, and ends with 0 at TERM', async () => {
    const umbel = command()
    const worker = umbel('worker', '-n', 'w1@%n', '-c', '3', '-Q', 'celery,mail', '-X', 'mail')
    await worker.prints(/w1@\S+ is ready/)
    await umbel('call', 'add', '--args', '[2, 3]', '--wait').succeeds()

    worker.signal('SIGTERM')
    const exit = await worker.ends()

    assert.deepEqual(exit, { code: 0, signal: null })
    assert.match(worker.stdout, /broker\s+sqlite:\S+store\.db \(priorities: lowest-first\)/)
    assert.match(worker.stdout, /queues\s+celery\n/)
    assert.match(worker.stdout, /tasks\s+add\n/)
    assert.match(worker.stdout, /holds\s+A task runs at least once/)
    assert.match(worker.stderr, /Task add\[\S+\] succeeded/)
    assert.match(worker.stderr, /"concurrency":3/)
  })

  it('says the same as one JSON value with --json, and only errors with -l error', async () => {
    const worker = command()('--json', 'worker', '-l', 'error')
    await worker.prints(/"ready"/)

    worker.signal('SIGINT')
    await worker.succeeds()

    const told = JSON.parse(worker.stdout)
    assert.deepInclude(told, { ready: true, pid: worker.pid, queues: ['celery'], tasks: ['add'] })
    assert.equal(worker.stderr, '')
  })

  it('fails with 1 when it can’t start, naming what is wrong', async () => {
    const worker = command("{ imports: ['./nowhere.ts'] }")('worker')

    const { code } = await worker.ends()

    assert.equal(code, 1)
    assert.match(worker.stderr, /nowhere\.ts/)
  })

  it('refuses a wrong command line with 2, and says how it would be right', async () => {
    const umbel = command()
    const wrong: [string[], RegExp][] = [
      [['-P', 'threads'], /pool "threads".*not supported yet/],
      [['-c', '0'], /--concurrency must be a whole number/],
      [['-l', 'wran'], /Did you mean "warn"\?/],
      [['--time-limit', '5 minutes'], /'5m'/],
      [['-B'], /--beat: it is not supported yet/],
      [['-n', 'has space'], /hostname must be a name/],
    ]

    const runs = wrong.map(([args]) => umbel('worker', ...args))
    const codes = await Promise.all(runs.map(async (run) => (await run.ends()).code))

    assert.deepEqual(codes, [2, 2, 2, 2, 2, 2])
    for (const [index, [args, message]] of wrong.entries()) assert.match(runs[index]!.stderr, message, args.join(' '))
  })

  it('asks for the app whose tasks it shall run', async () => {
    const worker = processes.start(process.execPath, ['--import', tsx, main, 'worker'], { cwd: projectRoot })

    assert.equal((await worker.ends()).code, 2)
    assert.match(worker.stderr, /umbel -A \.\/app\.ts worker/)
  })
})
