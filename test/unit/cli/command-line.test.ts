// The command line as a user runs it: its own process, against an embedded store in a temporary folder.
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assert } from 'chai'
import { Umbel } from '../../../lib/app/app.ts'
import { deferred } from '../../../lib/base/deferred.ts'
import type { Delivery } from '../../../lib/broker/broker.ts'
import { type StartOptions, useProcesses } from '../../support/processes.ts'
import { useTempFolders } from '../../support/temp-folder.ts'

const main = join(import.meta.dirname, '../../../workers/cli/main.ts')
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const library = join(import.meta.dirname, '../../../lib/app/app.ts')

describe('the command line', function () {
  this.timeout(60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()
  let folder: string
  let url: string

  beforeEach(() => {
    folder = tempFolder('umbel-cli')
    url = `sqlite://${folder}/store.db`
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  })

  const start = (args: readonly string[], options: StartOptions) =>
    processes.start(process.execPath, ['--import', tsx, main, ...args], { cwd: folder, ...options })

  async function umbel(args: readonly string[], options: StartOptions = {}) {
    const env = { UMBEL_BROKER: url, ...options.env }
    const process = start(args, { ...options, env })
    const { code } = await process.ends()
    return { code, stdout: process.stdout, stderr: process.stderr }
  }

  /** The store as this process sees it. */
  async function withApp<T>(act: (app: Umbel) => Promise<T>): Promise<T> {
    const app = new Umbel('test', { broker: url })
    try {
      return await act(app)
    } finally {
      await app.close()
    }
  }

  /** Sets messages aside, as a worker would that could not work them. */
  async function makeDead(
    calls: readonly { task: string; queue: string; reason: 'unknown-task' | 'rejected' }[],
  ): Promise<void> {
    await withApp(async (app) => {
      for (const { task, queue } of calls) await app.sendTask(task, ['\u001b[2J'], { queue })
      const broker = await app.broker()
      const all = deferred<void>()
      const claimed: Delivery[] = []
      const consumer = await broker.consume([...new Set(calls.map(({ queue }) => queue))], {
        owner: 'test',
        prefetch: calls.length,
        onDeliveries: (batch) => {
          claimed.push(...batch)
          if (claimed.length === calls.length) all.resolve()
        },
        onError: all.reject,
      })
      await consumer.start()
      await all.promise
      await broker.settle(
        claimed.map(({ claim, message }) => ({
          claim,
          disposition: 'dead-letter',
          reason: calls.find(({ task }) => task === message.headers['task'])!.reason,
          detail: 'for the test',
        })),
      )
      await consumer.stop()
    })
  }

  function writeApp(text = ''): void {
    const lines = [
      `import { Umbel } from ${JSON.stringify(library)}`,
      `export const app = new Umbel('shop', { broker: ${JSON.stringify(url)}, taskRoutes: { 'mail.*': 'mail' } })`,
      `app.task({ name: 'math.add', params: ['x', 'y'] }, (x: number, y: number) => x + y)`,
      text,
    ]
    writeFileSync(join(folder, 'app.ts'), lines.join('\n'))
  }

  describe('in general', () => {
    it('shows help with every command, and a command its examples', async () => {
      const [whole, one] = await Promise.all([umbel(['--help']), umbel(['dead', 'replay', '--help'])])

      assert.equal(whole.code, 0)
      for (const name of ['call', 'result', 'queues', 'purge', 'dead', 'report', '--json', '--no-color'])
        assert.include(whole.stdout, name)
      assert.equal(one.code, 0)
      assert.include(one.stdout, '$ umbel dead replay 17 18')
    })

    it('answers a wrong command or option with the nearest right one, exit code 2', async () => {
      const [command, option, below, nothing] = await Promise.all([
        umbel(['qeues']),
        umbel(['queues', '--jsn']),
        umbel(['dead', 'relpay']),
        umbel([]),
      ])

      assert.deepEqual([command.code, option.code, below.code, nothing.code], [2, 2, 2, 2])
      assert.include(command.stderr, 'Did you mean queues?')
      assert.include(option.stderr, 'Did you mean --json?')
      assert.include(below.stderr, 'Did you mean replay?')
      assert.include(nothing.stdout + nothing.stderr, 'Usage: umbel')
    })

    it('prints its version', async () => {
      const { code, stdout } = await umbel(['--version'])

      assert.equal(code, 0)
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
    })

    it('--broker stands over UMBEL_BROKER, which stands over the code', async () => {
      writeApp()
      const other = `sqlite://${folder}/other.db`

      await umbel(['-A', './app.ts', 'call', 'x.y'], { env: { UMBEL_BROKER: `sqlite://${folder}/env.db` } })
      await umbel(['-A', './app.ts', '-b', other, 'call', 'x.y'], {
        env: { UMBEL_BROKER: `sqlite://${folder}/never.db` },
      })

      assert.deepEqual(
        ['store.db', 'env.db', 'other.db', 'never.db'].map((name) => existsSync(join(folder, name))),
        [false, true, true, false],
      )
    })

    it('refuses a broker that it does not have, without its password, exit code 2', async () => {
      const { code, stderr } = await umbel(['queues', '--broker', 'amqp://u:hush@h'])

      assert.equal(code, 2)
      assert.include(stderr, '--broker: "amqp://u:********@h" is not supported yet')
    })

    it('names a wrong environment variable, exit code 1', async () => {
      const { code, stderr } = await umbel(['queues'], { env: { UMBEL_WORKER_CONCURRENCY: 'x' } })

      assert.equal(code, 1)
      assert.include(stderr, 'UMBEL_WORKER_CONCURRENCY must be')
    })

    it('names a module that cannot be loaded, exit code 1, as JSON where asked', async () => {
      const { code, stdout, stderr } = await umbel(['-A', './gone.ts', 'queues', '--json'])

      assert.equal(code, 1)
      assert.equal(stdout, '')
      const { error } = JSON.parse(stderr)
      assert.equal(error.code, 'UMBEL_LOAD_FAILED')
      assert.include(error.message, 'gone.ts')
    })

    it('a reader that goes away is no failure', async () => {
      const process = processes.start(
        '/bin/sh',
        ['-c', `"$0" --import tsx "$1" queues --help | true; echo done`, globalThis.process.execPath, main],
        {
          cwd: join(import.meta.dirname, '../../..'),
        },
      )

      await process.ends()

      assert.equal(process.output, 'done\n')
    })

    it('leaves even when the module of the app keeps a connection open', async () => {
      writeApp('setInterval(() => {}, 1000)')

      const { code } = await umbel(['-A', './app.ts', 'queues'])

      assert.equal(code, 0)
    })
  })

  describe('call and result', () => {
    it('sends a task by name without an app, and prints its id', async () => {
      const args = [
        'call',
        'reports.build',
        '-a',
        '[2026, 12345678901234567890]',
        '-k',
        '{"full": true}',
        '--queue',
        'py',
        '--priority',
        '3',
      ]

      const { code, stdout } = await umbel(args)

      assert.equal(code, 0)
      assert.match(stdout, /^[0-9a-f-]{36}\n$/)
      await withApp(async (app) => assert.include(await app.queue('py').counts(), { waiting: 1 }))
    })

    it("sends by the app's routes, later when asked to", async () => {
      writeApp()

      const { stdout, stderr } = await umbel(['-A', './app.ts', 'call', 'mail.send', '--countdown', '1h', '--json'])

      assert.equal(JSON.parse(stdout).task, 'mail.send')
      assert.include(stderr, 'mail.send is no task of this app')
      await withApp(async (app) => assert.include(await app.queue('mail').counts(), { waiting: 0, scheduled: 1 }))
    })

    it('checks arguments where the task is known, and suggests the nearest name where it is not', async () => {
      writeApp()

      const [wrong, unknown] = await Promise.all([
        umbel(['-A', './app.ts', 'call', 'math.add', '-a', '[1]']),
        umbel(['-A', './app.ts', 'call', 'math.ad', '-a', '[1, 2]']),
      ])

      assert.equal(wrong.code, 1)
      assert.include(wrong.stderr, "'y'")
      assert.equal(unknown.code, 0)
      assert.include(unknown.stderr, 'Did you mean math.add?')
    })

    it('refuses options that are wrong by themselves, exit code 2', async () => {
      const cases: [string[], string][] = [
        [['-a', '{"no": "list"}'], '-a must be a JSON list'],
        [['-a', '[1,'], '-a must be a JSON list'],
        [['-k', '[]'], '-k must be a JSON object'],
        [['--eta', 'tomorrow'], '--eta must be a time such as'],
        [['--countdown', 'soon'], '--countdown must be a duration'],
        [['--expires', '-5'], '--expires must be'],
        [['--priority', '300'], '--priority must be a whole number from 0 to 255'],
        [['--wait', '5'], '--wait must be a duration such as'],
      ]

      const answers = await Promise.all(cases.map(([args]) => umbel(['call', 'x.y', ...args])))

      for (const [index, [, says]] of cases.entries()) {
        assert.equal(answers[index]!.code, 2, says)
        assert.include(answers[index]!.stderr, says)
      }
      assert.isFalse(existsSync(join(folder, 'store.db')))
    })

    it('waits for the result, and says when it did not come', async () => {
      const { code, stderr } = await umbel(['call', 'x.y', '--wait', '50ms'])

      assert.equal(code, 1)
      assert.match(stderr, /error: /)
    })

    it('Ctrl-C while it waits says that the task was sent', async () => {
      const process = start(['call', 'x.y', '--wait', '1h'], { env: { UMBEL_BROKER: url } })
      // Sent means: the store has it.
      await withApp(async (app) => {
        while ((await app.queue('celery').counts()).waiting === 0) await new Promise((resolve) => setImmediate(resolve))
      })

      process.signal('SIGINT')

      const { code } = await process.ends()
      assert.equal(code, 1)
      assert.match(process.stderr, /Stopped waiting; the task was sent and may still run: umbel result [0-9a-f-]{36}/)
    })

    it('shows a result, a failure with its stack, and a task that is not known', async () => {
      await withApp(async (app) => {
        await app.parts.loadSerializers()
        const backend = await app.resultBackend()
        const document = (task_id: string, status: string, result: unknown, traceback: string | null) => ({
          id: task_id,
          state: status,
          contentType: 'application/json',
          document: JSON.stringify({
            status,
            result,
            traceback,
            children: [],
            date_done: '2030-01-01T00:00:00.000000+00:00',
            task_id,
          }),
        })
        await backend.keep([
          document('good', 'SUCCESS', { total: 5 }, null),
          document(
            'bad',
            'FAILURE',
            { exc_type: 'OutOfStock', exc_message: ['\u001b[31mshoes'], exc_module: 'shop.errors' },
            'Traceback:\n  line \u001b[2J',
          ),
          document('busy', 'PROGRESS', { done: 1 }, null),
        ])
      })

      const [good, bad, busy, unknown] = await Promise.all([
        umbel(['result', 'good', '--json']),
        umbel(['result', 'bad', '--traceback', '--timeout', '1s']),
        umbel(['result', 'busy']),
        umbel(['result', 'unknown', '--timeout', '20ms', '--json']),
      ])

      assert.deepEqual([good.code, bad.code, busy.code, unknown.code], [0, 1, 1, 1])
      assert.deepEqual(JSON.parse(good.stdout), { id: 'good', state: 'SUCCESS', result: { total: 5 } })
      assert.equal(bad.stdout, 'Traceback:\n  line \\u001b[2J\n')
      assert.include(bad.stderr, 'Task bad failed: shop.errors.OutOfStock: ')
      assert.notInclude(bad.stderr, '\u001b')
      assert.match(busy.stdout, /^PROGRESS .*done/)
      assert.deepEqual(JSON.parse(unknown.stdout), { id: 'unknown', state: 'PENDING', meta: null })
    })
  })

  describe('queues and purge', () => {
    it('shows counts, pauses and resumes', async () => {
      await withApp(async (app) => {
        await app.sendTask('x.y', [], { queue: 'mail' })
        await app.sendTask('x.y', [], { queue: 'mail', countdown: 100 })
      })

      const paused = await umbel(['queues', 'pause', 'mail', 'mial'])
      const table = await umbel(['queues'])
      const resumed = await umbel(['queues', 'resume', 'mail', '--json'])
      const json = await umbel(['queues', '--json'])

      assert.equal(paused.stdout, 'mail paused\nmial paused\n')
      assert.include(paused.stderr, 'Nothing was ever in queue "mial". Did you mean mail?')
      assert.match(table.stdout, /^mail +1 +1 +0 +0 +paused$/m)
      assert.deepEqual(JSON.parse(resumed.stdout), [{ queue: 'mail', paused: false }])
      assert.deepInclude(JSON.parse(json.stdout), {
        queue: 'mail',
        waiting: 1,
        scheduled: 1,
        claimed: 0,
        dead: 0,
        paused: false,
      })
    })

    it('refuses a name that no queue can have, exit code 2', async () => {
      const { code, stderr } = await umbel(['queues', 'pause', 'a\nb'])

      assert.equal(code, 2)
      assert.include(stderr, '"a\\nb" is no queue')
    })

    it('purge asks, and where it cannot ask it refuses without -f', async () => {
      await withApp((app) => app.sendTask('x.y', []))

      const refused = await umbel(['purge'])
      const [forced, unknown] = [await umbel(['purge', '-f', '--json']), await umbel(['purge', '-f', '-Q', 'clery'])]

      assert.equal(refused.code, 2)
      assert.include(refused.stderr, 'Add -f if it is meant')
      assert.deepEqual(JSON.parse(forced.stdout), { celery: 1 })
      assert.equal(unknown.code, 2)
      assert.include(unknown.stderr, 'Did you mean celery?')
    })
  })

  describe('dead letters', () => {
    it('are listed, shown whole and harmless, filtered, replayed and dropped', async () => {
      await makeDead([
        { task: 'gone.one', queue: 'mail', reason: 'unknown-task' },
        { task: 'gone.two', queue: 'mail', reason: 'rejected' },
        { task: 'gone.three', queue: 'media', reason: 'unknown-task' },
      ])

      const list = await umbel(['dead', 'list'])
      const limited = await umbel(['dead', 'list', '--limit', '2'])
      const filtered = JSON.parse(
        (await umbel(['dead', 'list', '--json', '--queue', 'mail', '--reason', 'rejected'])).stdout,
      )
      const shownOne = await umbel(['dead', 'show', filtered[0].id])
      const replayed = await umbel(['dead', 'replay', '--all', '--reason', 'unknown-task', '--json'])
      const refused = await umbel(['dead', 'drop', '--all'])
      const dropped = await umbel(['dead', 'drop', filtered[0].id, '-f'])
      const again = await umbel(['dead', 'drop', filtered[0].id, '-f'])

      assert.equal(list.stdout.match(/gone\./g)?.length, 3)
      assert.equal(limited.stdout.match(/gone\./g)?.length, 2)
      assert.include(limited.stderr, 'There are more')
      assert.lengthOf(filtered, 1)
      assert.deepInclude(filtered[0], { task: 'gone.two', queue: 'mail', reason: 'rejected', detail: 'for the test' })
      assert.match(shownOne.stdout, /^header +task: "gone\.two"$/m)
      assert.notInclude(shownOne.stdout, '\u001b')
      assert.deepEqual(JSON.parse(replayed.stdout), { replayed: 2 })
      assert.equal(refused.code, 2)
      assert.equal(dropped.stdout, '1 removed\n')
      assert.equal(again.code, 1)
      assert.include(again.stderr, '1 of 1 ids are no dead letters')
      await withApp(async (app) => {
        assert.include(await app.queue('mail').counts(), { waiting: 1, dead: 0 })
        assert.include(await app.queue('media').counts(), { waiting: 1, dead: 0 })
      })
    })

    it('neither ids nor --all, or both, is wrong usage; so is an unknown reason', async () => {
      const [neither, both, reason, mixed] = await Promise.all([
        umbel(['dead', 'replay']),
        umbel(['dead', 'drop', '5', '--all', '-f']),
        umbel(['dead', 'list', '--reason', 'unknown']),
        umbel(['dead', 'replay', '5', '--queue', 'mail']),
      ])

      assert.deepEqual([neither.code, both.code, reason.code, mixed.code], [2, 2, 2, 2])
      assert.include(neither.stderr, 'Name the dead letters to replay, or say --all.')
      assert.match(reason.stderr, /It is one of undecodable|Did you mean unknown-task\?/)
      assert.include(mixed.stderr, 'go with --all')
    })

    it('one that is not there is a failure', async () => {
      const { code, stderr } = await umbel(['dead', 'show', '12345'])

      assert.equal(code, 1)
      assert.include(stderr, 'There is no dead letter "12345"')
    })
  })

  describe('report', () => {
    it('tells versions, settings with where they come from, tasks and guarantees, without secrets', async () => {
      writeApp()
      const env = { UMBEL_BROKER_TRANSPORT_OPTIONS: '{"synchronous": "full"}', UMBEL_TASK_TIME_LIMIT: '90' }

      const [text, json] = await Promise.all([
        umbel(['-A', './app.ts', 'report'], { env: { ...env, UMBEL_BROKER: undefined } as never }),
        umbel(['-A', './app.ts', 'report', '--json'], { env: { ...env, UMBEL_BROKER: undefined } as never }),
      ])

      assert.equal(text.code, 0)
      assert.include(text.stdout, 'taskTimeLimit = 90000  (UMBEL_TASK_TIME_LIMIT)')
      assert.include(text.stdout, 'math.add')
      const report = JSON.parse(json.stdout)
      assert.equal(report.versions.node, process.versions.node)
      assert.deepEqual(report.tasks, ['math.add'])
      assert.include(report.broker, { store: `sqlite:${folder}/store.db`, durable: true, sharedByProcesses: true })
      assert.deepInclude(report.guarantees, {
        holds: true,
        says: "A call that resolved survives a loss of power (synchronous: 'full').",
      })
    })
  })
})
