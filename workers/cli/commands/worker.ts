import type { Umbel } from '../../../lib/app/app.ts'
import { guaranteesOf } from '../../../lib/app/guarantees.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { type Deferred, deferred } from '../../../lib/base/deferred.ts'
import type { Duration } from '../../../lib/base/duration.ts'
import { InvalidCall, NotSupported } from '../../../lib/base/errors.ts'
import { type LogLevel, logLevels } from '../../../lib/base/logger.ts'
import { nearestName } from '../../../lib/base/nearest-name.ts'
import { currentTask } from '../../../lib/task/task-context.ts'
import { listenToSignals, type StopRung } from '../../process/signals.ts'
import { surviveStrayErrors } from '../../process/stray-errors.ts'
import { Worker } from '../../worker.ts'
import type { WorkerOptions } from '../../worker-options.ts'
import {
  type Command,
  type CommandCall,
  type CommandOption,
  listOption,
  optionName,
  textOption,
  UsageError,
  wholeOption,
} from '../command.ts'
import { shown } from '../output.ts'
import { packageVersion } from '../version.ts'

/** Celery's options that a later version brings: refused by name, never ignored. */
const laterOptions: readonly CommandOption[] = [
  { flags: '--autoscale <max,min>', says: 'not supported yet' },
  { flags: '--max-tasks-per-child <n>', says: 'not supported yet' },
  { flags: '--max-memory-per-child <n>', says: 'not supported yet' },
  { flags: '-E, --task-events', says: 'not supported yet' },
  { flags: '-B, --beat', says: 'not supported yet' },
  { flags: '--pidfile <path>', says: 'not supported yet' },
  { flags: '--logfile <path>', says: 'not supported yet' },
  { flags: '--watch', says: 'not supported yet' },
]

/** `umbel worker`: takes tasks from queues and runs them, until a signal ends it. */
export const workerCommand: Command = {
  name: 'worker',
  summary:
    'Take tasks from queues and run them. TERM or Ctrl-C: finish what runs, give back the rest; again, or QUIT: give back all; a third: end at once. USR2 prints what runs.',
  options: [
    { flags: '-Q, --queues <names>', says: 'queues to take from, comma-separated', default: 'all of the app' },
    { flags: '-X, --exclude-queues <names>', says: 'of those, the ones not to take from' },
    { flags: '-c, --concurrency <n>', says: 'tasks that run at a time', default: 'workerConcurrency, 100' },
    { flags: '-P, --pool <name>', says: 'where tasks run: async; others are not supported yet', default: 'async' },
    {
      flags: '-n, --hostname <name>',
      says: 'node name; %h is the host, %n its first part, %d the rest',
      default: 'umbel@%h',
    },
    { flags: '-l, --log-level <level>', says: logLevels.join(', '), default: 'logLevel, info' },
    { flags: '--time-limit <duration>', says: 'hard limit of tasks without one of their own: 300 (seconds), 5m' },
    { flags: '--soft-time-limit <duration>', says: 'soft limit of tasks without one of their own' },
    {
      flags: '--prefetch-multiplier <n>',
      says: 'deliveries held at most for each task that runs at a time',
      default: '4',
    },
    ...laterOptions,
  ],
  examples: [
    { line: 'umbel -A ./app.ts worker', says: 'every queue of the app, 100 tasks at a time' },
    {
      line: 'umbel -A ./app.ts worker -Q mail,reports -c 10 -n mail@%h',
      says: 'two queues, ten tasks at a time, a name of its own',
    },
  ],
  handlesSignals: true,
  async run(call) {
    refuseLaterOptions(call)
    const level = levelOption(call)
    const options = workerOptions(call)
    if (call.appPath === undefined)
      throw new UsageError('A worker needs the app whose tasks it runs: umbel -A ./app.ts worker')
    // Above the code's own setting, and there before the app is made.
    if (level !== undefined) process.env['UMBEL_LOG_LEVEL'] = level
    const { app, base } = await call.load()
    const worker = workerOf(app, { ...options, importsFrom: base })
    await liveAsProcess(worker, app, call)
    return 0
  },
}

/** @throws {UsageError} when an option is wrong: here they come from the command line */
function workerOf(app: Umbel, options: WorkerOptions): Worker {
  try {
    return new Worker(app, options)
  } catch (error) {
    if (error instanceof InvalidCall || error instanceof NotSupported)
      throw new UsageError(error.message, { cause: error })
    throw error
  }
}

/** Resolves when a signal has stopped the worker. */
async function liveAsProcess(worker: Worker, app: Umbel, call: CommandCall): Promise<void> {
  const ended = deferred()
  // For other commands a closed pipe is the end (`umbel queues | head`); a worker whose log nobody reads any more goes on.
  // To its very end: what it logs last may be what the pipe, or a full disk, doesn't take.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => {})
  const strays = surviveStrayErrors({ logger: app.logger, owner: ownerOfStray })
  const signals = listenToSignals({
    clock: systemClock,
    onStop: (rung) => climb(worker, { rung, ended }),
    onEchoOver: (rung) => announce(worker, app, rung),
    onShow: () => showRunning(worker),
  })
  try {
    await worker.start()
    await showBanner(worker, app, call)
    await ended.promise
  } finally {
    signals[Symbol.dispose]()
    strays[Symbol.dispose]()
  }
}

function climb(worker: Worker, { rung, ended }: { rung: StopRung; ended: Deferred<void> }): void {
  // Nothing is tidied up: the claims come back when the store sees that this process is gone.
  if (rung === 'hard') process.exit(1)
  worker.stop({ how: rung }).then(ended.resolve, ended.reject)
}

/** Only once an echo of the signal could no longer be taken for the next one. */
function announce(worker: Worker, app: Umbel, rung: StopRung): void {
  if (rung === 'hard') return
  const running = worker.running().length
  const what =
    rung === 'warm'
      ? `Warm stop: what runs (${running}) is finished first. The signal again gives it back at once: a cold stop.`
      : `Cold stop: what runs (${running}) is given back. The signal again ends the process at once.`
  app.logger.info({ running }, what)
}

/** Straight to standard error, whatever the log level: somebody asked. */
function showRunning(worker: Worker): void {
  const running = worker.running()
  const lines = running.map(
    ({ task, id, queue, seconds }) => `  ${task} ${id} from ${queue}, for ${seconds.toFixed(1)} s`,
  )
  process.stderr.write(
    `${worker.hostname} runs ${running.length} tasks\n${lines.map((line) => `${shown(line)}\n`).join('')}`,
  )
}

/** Node keeps the asynchronous context in its handlers, so a task's forgotten promise is still known as its own. */
function ownerOfStray(): { id: string; task: string } | undefined {
  const task = currentTask()
  return task === undefined ? undefined : { id: task.id, task: task.name }
}

async function showBanner(worker: Worker, app: Umbel, { out, options }: CommandCall): Promise<void> {
  const [broker, backend] = await Promise.all([app.broker(), app.resultBackend()])
  const tasks = app.tasks.names()
  const guarantees = await guaranteesOf(app.settings, broker, backend)
  const { hostname: name, queues } = worker
  const { priorityOrder: priorities } = broker.capabilities
  out.value({
    ready: true,
    name,
    pid: process.pid,
    queues,
    broker: broker.store,
    results: backend.store,
    priorities,
    tasks,
    guarantees,
  })
  if (options['quiet'] === true) return
  out.line(
    `${out.paint('bold', shown(name))} is ready (umbel ${packageVersion()}, node ${process.versions.node}, pid ${process.pid})`,
  )
  out.line(`  broker   ${shown(broker.store)} (priorities: ${priorities})`)
  out.line(`  results  ${shown(backend.store)}`)
  out.line(`  queues   ${shown(queues.join(', '))}`)
  out.line(
    `  tasks    ${shown(tasks.slice(0, 20).join(', ') || 'none')}${tasks.length > 20 ? ` and ${tasks.length - 20} more` : ''}`,
  )
  for (const { holds, says } of guarantees)
    out.line(`  ${holds ? out.paint('green', 'holds   ') : out.paint('yellow', 'beware  ')} ${shown(says)}`)
}

function workerOptions({ options }: CommandCall): WorkerOptions {
  return {
    queues: listOption(options['queues']),
    excludeQueues: listOption(options['excludeQueues']),
    concurrency: wholeOption(options['concurrency'], '--concurrency', { min: 1, max: 100_000 }),
    // Checked by the worker, which says which of the others are to come.
    pool: textOption(options['pool']) as 'async' | undefined,
    hostname: textOption(options['hostname']),
    prefetchMultiplier: wholeOption(options['prefetchMultiplier'], '--prefetch-multiplier', { min: 1, max: 1000 }),
    timeLimit: durationOption(options['timeLimit']),
    softTimeLimit: durationOption(options['softTimeLimit']),
  }
}

/** As in Celery a bare number is seconds; what is wrong is said where limits are checked. */
function durationOption(value: string | boolean | undefined): Duration | undefined {
  const text = textOption(value)
  if (text === undefined) return undefined
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : (text as Duration)
}

function levelOption({ options }: CommandCall): LogLevel | undefined {
  const given = textOption(options['logLevel'])?.toLowerCase()
  const level = given === 'warning' ? 'warn' : given === 'critical' ? 'fatal' : given
  if (level === undefined) return undefined
  const known = logLevels.find((name) => name === level)
  if (known !== undefined) return known
  const nearest = nearestName(level, logLevels)
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`
  throw new UsageError(`--log-level must be one of ${logLevels.join(', ')}, not "${level.slice(0, 40)}".${hint}`)
}

function refuseLaterOptions({ options }: CommandCall): void {
  for (const option of laterOptions)
    if (options[optionName(option)] !== undefined)
      throw new UsageError(`Cannot start a worker with ${option.flags}: it is not supported yet.`)
}
