/// <reference types="node" preserve="true" />
import type { Umbel } from '../lib/app/app.ts'
import { aborted } from '../lib/base/aborted.ts'
import { crashPoint } from '../lib/base/crash-point.ts'
import { type WrittenDuration, writtenDurationMs } from '../lib/base/duration.ts'
import { Closed, InvalidCall } from '../lib/base/errors.ts'
import type { Logger } from '../lib/base/logger.ts'
import { maskingLogger } from '../lib/base/masking-logger.ts'
import type { Service } from '../lib/base/service.ts'
import { newId } from '../lib/base/task-id.ts'
import type { Broker, Delivery, LeaseModule } from '../lib/broker/broker.ts'
import type { Queue } from '../lib/broker/queue.ts'
import type { ResultBackend } from '../lib/result/result-backend.ts'
import type { StoredRecord } from '../lib/result/result-record.ts'
import type { StateStore } from '../lib/state/state-store.ts'
import type { TaskDefaults } from '../lib/task/task-options.ts'
import { Consumer } from './consume/consumer.ts'
import { AsyncPool } from './pool/async-pool.ts'
import type { RunningJob } from './pool/pool.ts'
import { LeaseKeeper } from './presence/lease-keeper.ts'
import { LoopWatch } from './presence/loop-watch.ts'
import { MemoryWatch, memoryMarks, memoryUse, tellMemory } from './presence/memory-watch.ts'
import { RevokedTasks } from './presence/revoked-tasks.ts'
import { TaskBoard } from './presence/task-board.ts'
import { keepAlive } from './process/keep-alive.ts'
import { Settler } from './request/settle.ts'
import { StateWriter } from './request/state-writer.ts'
import { work } from './request/work.ts'
import type { WorkParts } from './request/work-parts.ts'
import { type ResolvedWorkerOptions, resolveWorkerOptions, type WorkerOptions } from './worker-options.ts'

export interface StopOptions {
  /**
   * Warm: what runs is finished, what has not started is given back. Cold: what runs is told to end by its signal, and given back;
   * where `workerSoftShutdownTimeout` is set, it has that long to finish before.
   * @default 'warm'
   */
  how?: 'warm' | 'cold' | undefined
  /** How long a warm stop waits for what runs; then it becomes a cold one. @default for ever */
  timeout?: WrittenDuration | undefined
}

/** How long a cold stop waits for tasks that were told to end, and then for their endings to be stored. Two seconds in all, with room. */
const coldGraceMs = 1_000
const coldDrainMs = 600
/** How long a delivery is put off that may be what its workers died of, while another such one is here. */
const putOffMs = 200
/** How often an outage of the broker is logged. */
const claimErrorEveryMs = 30_000

/** Everything of a worker that runs, made by {@link Worker.start}. */
interface Crew {
  readonly consumer: Consumer
  readonly pool: AsyncPool
  readonly settler: Settler
  /** Stopped last, in reverse. */
  readonly helpers: Service[]
}

/**
 * Takes tasks from queues and runs them in this process. Made and stopped by whoever embeds it; `umbel worker` is a thin shell round it.
 * It uses the app's connections and leaves them open when it stops.
 */
export class Worker implements AsyncDisposable {
  /** Node name, written out: `umbel@host`. */
  readonly hostname: string
  readonly #app: Umbel
  readonly #options: ResolvedWorkerOptions
  readonly #logger: Logger
  readonly #cold = new AbortController()
  /** A cold stop has run out of time. */
  readonly #hopeless = new AbortController()
  /** A cold stop was asked for and waits for its soft stage. */
  #isSoft = false
  /** Timers of the stop; over with it. */
  readonly #cancelTimers: (() => void)[] = []
  #isStopped = false
  #queues: readonly string[] = []
  #crew: Crew | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  /** @throws {InvalidCall, NotSupported} when an option is wrong */
  constructor(app: Umbel, options: WorkerOptions = {}) {
    this.#app = app
    this.#options = resolveWorkerOptions(options, app.settings)
    this.hostname = this.#options.hostname
    const { logger } = this.#options
    this.#logger = (logger === undefined ? app.logger : maskingLogger(logger)).child({ worker: this.hostname })
  }

  /** The queues that it takes from; known once it has started. */
  get queues(): readonly string[] {
    return this.#queues
  }

  /** What runs now, oldest first. */
  running(): RunningJob[] {
    return this.#crew?.pool.running() ?? []
  }

  /**
   * Resolves when it takes tasks.
   * @throws {LoadFailed, Unroutable, NoDriver, StoreUnusable, BrokerUnavailable} when it can't; nothing is left behind
   */
  start(): Promise<void> {
    if (this.#stopping !== undefined)
      return Promise.reject(new Closed(`Worker ${this.hostname} was stopped. Make a new one: new Worker(app).`))
    this.#starting ??= this.#start()
    return this.#starting
  }

  /**
   * Resolves when nothing of it is left. Loses nothing: what has not ended is given back to its queue. Calling it again with `how: 'cold'`
   * hurries a warm stop.
   * @throws {InvalidCall} when an option is wrong
   */
  stop(options: StopOptions = {}): Promise<void> {
    const { how = 'warm', timeout } = options
    if (how !== 'warm' && how !== 'cold')
      throw new InvalidCall(`How a worker stops is 'warm' or 'cold', not ${JSON.stringify(how)}.`)
    const timeoutMs = timeout === undefined ? undefined : writtenDurationMs(timeout, 'timeout of stop()')
    if (how === 'cold') this.#goCold()
    this.#stopping ??= this.#stop(how).finally(() => {
      this.#isStopped = true
      for (const cancel of this.#cancelTimers) cancel()
    })
    if (timeoutMs !== undefined) this.#arm(timeoutMs, () => this.#hurry(), { keepAlive: true })
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #start(): Promise<void> {
    const app = this.#app
    await app.loadImports(this.#options.importsFrom)
    await app.parts.loadSerializers()
    const queues = this.#queuesToTake()
    this.#queues = queues.map(({ name }) => name)
    const [broker, backend, state] = await Promise.all([app.broker(), app.resultBackend(), app.stateStore()])
    await broker.declare(queues)
    const crew = this.#assemble(broker, backend, state)
    try {
      for (const helper of [...crew.helpers]) await helper.start()
      await crew.consumer.start()
    } catch (error) {
      await crew.consumer.stop()
      for (const helper of crew.helpers.reverse()) await helper.stop()
      await crew.consumer.idle()
      await crew.settler.drain()
      throw error
    }
    this.#crew = crew
    this.#tellReady(broker, backend)
  }

  async #stop(how: 'warm' | 'cold'): Promise<void> {
    try {
      await this.#starting
    } catch {
      return // told to whoever started it, and it has cleaned up after itself
    }
    const crew = this.#crew
    if (crew === undefined) return
    const { hostname } = this
    const { events } = this.#app
    const { running } = crew.consumer
    const rest = how === 'warm' ? 'what runs is finished first' : 'what runs is given back'
    this.#logger.info({ running }, `Worker ${hostname} stops; ${rest}`)
    events.emit('workerStopping', { hostname, how })
    crashPoint('stop.begun')
    await this.#endRuns(crew)
    crashPoint('stop.runsEnded')
    for (const helper of crew.helpers.reverse()) await this.#unlessHopeless(helper.stop())
    const leftovers = crew.pool.leftovers()
    if (leftovers.length > 0)
      this.#logger.warn(
        { tasks: leftovers.slice(0, 10) },
        `${leftovers.length} tasks that were ended still run and can't be stopped inside this process; nothing they do counts any more.`,
      )
    crashPoint('stop.helpersStopped')
    events.emit('workerStopped', { hostname })
    this.#logger.info({}, `Worker ${hostname} has stopped`)
  }

  /** Nothing more is started, what runs ends or is given back, and every ending is stored. */
  async #endRuns({ consumer, pool, settler }: Crew): Promise<void> {
    const cold = aborted(this.#cold.signal)
    const stopping = consumer.stop()
    await Promise.race([stopping, cold])
    settler.flush()
    await Promise.race([consumer.idle(), cold])
    if (this.#cold.signal.aborted) await pool.release(coldGraceMs)
    // What a claim under way still brings is given back like the rest.
    await this.#unlessHopeless(stopping)
    // Twice: a task that waits for its acknowledgement goes on when the first has stored it.
    await settler.drain(this.#hopeless.signal)
    await consumer.idle()
    await settler.drain(this.#hopeless.signal)
  }

  /** Waits, unless a cold stop has run out of time. */
  async #unlessHopeless(stopping: Promise<void>): Promise<void> {
    await Promise.race([stopping, aborted(this.#hopeless.signal)])
  }

  /** At once, or after `workerSoftShutdownTimeout` while something runs; asked for again meanwhile, at once. */
  #goCold(): void {
    const softMs = this.#app.settings.workerSoftShutdownTimeoutMs
    if (softMs === 0 || this.#isSoft || this.running().length === 0) {
      this.#hurry()
      return
    }
    this.#isSoft = true
    this.#arm(softMs, () => this.#hurry(), { keepAlive: true })
  }

  #hurry(): void {
    if (this.#cold.signal.aborted) return
    this.#cold.abort()
    this.#arm(coldGraceMs + coldDrainMs, () => this.#hopeless.abort())
  }

  #arm(ms: number, fire: () => void, options?: { keepAlive: boolean }): void {
    if (!this.#isStopped) this.#cancelTimers.push(this.#app.clock.timer(ms, fire, options))
  }

  #queuesToTake(): Queue[] {
    const { queues, excludeQueues } = this.#options
    const { router } = this.#app.parts
    const all = queues ?? router.queues().map(({ name }) => name)
    const kept = all.filter((name) => !excludeQueues.includes(name))
    if (kept.length > 0) return kept.map((name) => router.queueNamed(name, `Cannot start worker ${this.hostname}`))
    throw new InvalidCall(
      `Cannot start worker ${this.hostname}: no queue is left to take from, of ${all.join(', ') || 'none'}. Look at queues and excludeQueues.`,
    )
  }

  #assemble(broker: Broker, backend: ResultBackend, stateStore: StateStore): Crew {
    const { clock, events, settings, tasks } = this.#app
    const { hostname } = this
    const logger = this.#logger
    const board = new TaskBoard()
    const watch = new LoopWatch({
      clock,
      board,
      running: () => pool.running(),
      onBlocked: (stall) => this.#tellBlocked(stall),
    })
    const states = new StateWriter(backend, logger)
    const attempts = this.#app.attemptParts()
    const defaults = this.#defaults()
    const keepRecord = (record: StoredRecord): Promise<void> => states.keep(record)
    const pool = new AsyncPool({ ...attempts, defaults, logger, isEager: false, watch, keepRecord }, board)
    const settler = new Settler({ broker, backend, clock, logger })
    const revoked = new RevokedTasks({ clock, broker, stateStore, terminate: (id) => void pool.terminate(id) })
    const memory = new MemoryWatch({
      clock,
      marks: memoryMarks(settings.workerMemoryWatermark),
      use: memoryUse,
      onChange: (isShort, use) => {
        tellMemory(logger, isShort, use)
        consumer.squeeze(isShort)
      },
    })
    // A stall can't be told by a clock that a test moves, and its beats would be most of what a day takes to pass.
    const helpers: Service[] = [keepAlive(clock), revoked, pool, memory, ...(clock.isManual === true ? [] : [watch])]
    const parts: WorkParts = {
      tasks,
      defaults,
      policy: attempts.policy,
      limits: { maxDeliveries: settings.maxDeliveries, unknownTaskLimitMs: settings.unknownTaskLimitMs },
      hostname,
      clock,
      logger,
      events,
      isRevoked: (id) => revoked.has(id),
      pool,
      settler,
      records: attempts.records,
      keepsResults: backend.capabilities.keepsResults,
      extendsResults: settings.resultExtended,
      onRan: (runtimeMs) => consumer.ran(runtimeMs),
    }
    const consumer = this.#consumer(broker, { ...parts, memory }, async (lease) => {
      const keeper = this.#leaseKeeper(lease, board, pool)
      helpers.push(keeper)
      await keeper.start()
    })
    return { consumer, pool, settler, helpers }
  }

  #consumer(
    broker: Broker,
    parts: WorkParts & { memory: MemoryWatch },
    keepLease: (lease: LeaseModule) => Promise<void>,
  ): Consumer {
    const { settler, clock, logger, memory } = parts
    const { concurrency, prefetchMultiplier } = this.#options
    let failedAt = Number.NEGATIVE_INFINITY
    return new Consumer({
      clock,
      broker,
      queues: this.#queues,
      owner: `${this.hostname} ${newId()}`,
      concurrency,
      multiplier: prefetchMultiplier,
      prefetchBytes: this.#app.settings.workerPrefetchSize,
      maxBodyBytes: this.#app.settings.taskMaxMessageSize,
      leaseMs: this.#app.settings.leaseDurationMs,
      isShort: ({ message: { body, headers } }) => memory.isShort(body.length, headers['compression'] != null),
      keepLease: async (lease) => {
        if (lease !== undefined) await keepLease(lease)
      },
      work: (delivery) => work(delivery, parts),
      onUnstarted: (delivery) => settler.settle(namesOf(delivery), { claim: delivery.claim, disposition: 'give-back' }),
      onPutOff: async (delivery) => {
        const notBefore = clock.now() + putOffMs
        await settler.confirm(namesOf(delivery), { claim: delivery.claim, disposition: 'give-back', notBefore })
      },
      onIdle: () => settler.flush(),
      onError: (error) => {
        // Claims are tried again within seconds, and an outage can last for hours.
        if (clock.monotonic() - failedAt < claimErrorEveryMs) return
        failedAt = clock.monotonic()
        logger.error({ err: error }, 'Messages cannot be claimed just now; it is tried again until it works.')
      },
    })
  }

  #leaseKeeper(lease: LeaseModule, board: TaskBoard, pool: AsyncPool): LeaseKeeper {
    const { clock, settings } = this.#app
    const logger = this.#logger
    return new LeaseKeeper({
      lease,
      board,
      hostname: this.hostname,
      maxBlockedMs: settings.workerMaxBlockedLoopMs,
      clock,
      logger,
      onLost: () => {
        pool.disown()
        logger.warn(
          {},
          'The lease of this worker had lapsed, so its claims were given to others. What it runs now will not count.',
        )
      },
    })
  }

  /** The app's defaults, with this worker's own limits over them. The same object where there are none: much is cached by it. */
  #defaults(): TaskDefaults {
    const { callDefaults } = this.#app
    const { timeLimitMs, softTimeLimitMs } = this.#options
    if (timeLimitMs === undefined && softTimeLimitMs === undefined) return callDefaults
    return {
      ...callDefaults,
      timeLimitMs: timeLimitMs ?? callDefaults.timeLimitMs,
      softTimeLimitMs: softTimeLimitMs ?? callDefaults.softTimeLimitMs,
    }
  }

  #tellReady(broker: Broker, backend: ResultBackend): void {
    const { hostname, queues } = this
    const { concurrency } = this.#options
    const tasks = this.#app.tasks.names().length
    if (tasks === 0)
      this.#logger.warn(
        {},
        'No task is registered, so every message will be given back. Name the modules that define them in `imports`.',
      )
    this.#logger.info(
      { queues, concurrency, tasks, broker: broker.store, results: backend.store },
      `Worker ${hostname} is ready and takes tasks from ${queues.join(', ')}`,
    )
    this.#app.events.emit('workerReady', { hostname, queues })
  }

  #tellBlocked({ blockedMs, tasks }: Stall): void {
    const names = tasks.slice(0, 5).map(({ task, id }) => `"${task}" (${id})`)
    const by = names.length === 0 ? 'no task that runs now' : names.join(', ')
    this.#logger.warn(
      { blockedMs: Math.round(blockedMs), tasks: tasks.slice(0, 10) },
      `The event loop was blocked for ${Math.round(blockedMs / 100) / 10} s, by ${by}. Give CPU-bound work a process of its own.`,
    )
    this.#app.events.emit('loopBlocked', { hostname: this.hostname, blockedMs, tasks })
  }
}

type Stall = Parameters<ConstructorParameters<typeof LoopWatch>[0]['onBlocked']>[0]

/** For the log only; nothing was checked yet. */
function namesOf({ message }: Delivery): { id: string | undefined; task: string | undefined } {
  const { id, task } = (message.headers ?? {}) as { id?: unknown; task?: unknown }
  return { id: typeof id === 'string' ? id : undefined, task: typeof task === 'string' ? task : undefined }
}
