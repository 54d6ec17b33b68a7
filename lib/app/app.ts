/// <reference types="node" preserve="true" />
import { hostname } from 'node:os'
import { type Clock, systemClock } from '../base/clock.ts'
import { consoleLogger } from '../base/console-logger.ts'
import { InvalidCall } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { maskingLogger } from '../base/masking-logger.ts'
import { originOf } from '../base/task-id.ts'
import type { Broker } from '../broker/broker.ts'
import { type AnySignature, type Args, signatureFromWire } from '../canvas/signature.ts'
import { revokeTasks } from '../control/revocation.ts'
import { EventEmitter } from '../hook/event-emitter.ts'
import type { AppEventName, AppListener } from '../hook/hooks.ts'
import { type Middleware, MiddlewareChain } from '../hook/middleware-chain.ts'
import type { Call } from '../publish/call.ts'
import { AsyncResult } from '../result/async-result.ts'
import type { RevokeOptions } from '../result/result-access.ts'
import type { ResultBackend } from '../result/result-backend.ts'
import type { AttemptParts } from '../run/attempt-parts.ts'
import type { StateStore } from '../state/state-store.ts'
import { ambient, type TaskApp } from '../task/current-app.ts'
import {
  type CallDefaults,
  type CallInput,
  type CallSurroundings,
  type EagerCall,
  prepareCall,
} from '../task/make-call.ts'
import { sendCalls } from '../task/send-calls.ts'
import { makeTaskFactory, type SharedTask } from '../task/shared-task.ts'
import { prepareSignature, signatureSender } from '../task/signature-sender.ts'
import type { AnyTask } from '../task/task.ts'
import { type ParentTask, parentTask, type TaskContext } from '../task/task-context.ts'
import type { TaskDefinition } from '../task/task-definition.ts'
import { TaskRegistry } from '../task/task-registry.ts'
import { settingsOfApp } from './app-settings.ts'
import type { AppParts } from './compose.ts'
import type { ResolvedSettings, Settings } from './config.ts'
import { type AdapterOpeners, Connections } from './connections.ts'
import { type Footing, footingOn, type Ground } from './footing.ts'
import { loadTaskModules } from './load-task-modules.ts'
import { QueueHandle } from './queue-handle.ts'
import { taskDefaultsOf } from './task-defaults.ts'

/** What tests may own. */
export interface AppOverrides {
  readonly clock?: Clock | undefined
  /** Instead of `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Instead of what the URLs in the settings name. */
  readonly open?: AdapterOpeners | undefined
}

/** Names the method by which `umbel/testing` puts an app on memory. */
export const standOn: unique symbol = Symbol.for('umbel.standOn') as never

/** Which events a listener hears. */
export interface EventOptions {
  /** Only those of this task; events that name no task are left out then. */
  readonly task?: AnyTask | string | undefined
  /** Stops listening when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/**
 * An application: its settings, its tasks, and the way to its broker and results. Making one opens nothing: connections are opened by the
 * first call that needs them, and never keep a process alive by themselves.
 */
export class Umbel implements TaskApp, AsyncDisposable {
  readonly name: string
  /** Setting → where it was given; the rest are defaults. */
  readonly settingOrigins: ReadonlyMap<string, string>
  /** Every task that this app can run: its own, and those that belong to no app. */
  readonly tasks: TaskRegistry
  /** Defines tasks of this app alone; the same forms as `sharedTask`. */
  readonly task: SharedTask
  readonly callDefaults: CallDefaults
  readonly events: EventEmitter
  readonly middleware = new MiddlewareChain<TaskContext>()
  /** The app's own first; the last one counts. */
  readonly #footings: Footing[] = []
  #footing: Footing

  /**
   * @param name shown in logs and reports
   * @throws {InvalidSettings} naming every wrong setting at once
   */
  constructor(name: string, settings: Settings = {}, overrides: AppOverrides = {}) {
    if (typeof name !== 'string' || name === '') throw new InvalidCall("An app needs a name: new Umbel('shop').")
    const { settings: resolved, origins, warnings } = settingsOfApp(name, settings, overrides.env ?? process.env)
    this.name = name
    this.settingOrigins = origins
    const clock = overrides.clock ?? systemClock
    const logger =
      resolved.logger === null ? consoleLogger({ level: resolved.logLevel }) : maskingLogger(resolved.logger)
    this.tasks = new TaskRegistry()
    this.task = makeTaskFactory({ register: (definition) => this.tasks.register(definition), app: () => this })
    this.events = new EventEmitter((error, event) =>
      this.logger.error({ err: error, event }, `A listener of ${event} failed.`),
    )
    this.callDefaults = {
      ...taskDefaultsOf(resolved),
      inheritParentPriority: resolved.taskInheritParentPriority,
      origin: originOf(process.pid, hostname()),
    }
    const connections = new Connections({ settings: resolved, clock, logger, open: overrides.open })
    this.#footing = footingOn({ settings: resolved, clock, logger, random: Math.random, connections }, this)
    this.#footings.push(this.#footing)
    for (const warning of warnings) this.logger.warn({ app: name }, warning)
    ambient().apps.push(this)
  }

  get settings(): ResolvedSettings {
    return this.#footing.settings
  }

  get logger(): Logger {
    return this.#footing.logger
  }

  get clock(): Clock {
    return this.#footing.clock
  }

  /** Routing, encoding and publishing, for workers and commands. */
  get parts(): AppParts {
    return this.#footing.parts
  }

  /**
   * Sends a task by name, for those that live elsewhere. A task of that name that is known here lends its options and its checks.
   * @throws {InvalidCall, Unserializable, MessageTooLarge, Unroutable, BrokerUnavailable, OutcomeUnknown, StoreFull}
   */
  async sendTask(name: string, args: Args = [], options: CallInput = {}): Promise<AsyncResult<unknown>> {
    const parent = parentTask()
    const call = await prepareCall(this.findTask(name) ?? { name }, args, options, this.#around(parent))
    return (await sendCalls(this, [call], parent))[0]!
  }

  /** Sends signatures, all in one publication; results in order. */
  async sendMany(signatures: readonly AnySignature[]): Promise<AsyncResult<unknown>[]> {
    const parent = parentTask()
    const around = this.#around(parent)
    const calls = await Promise.all(
      signatures.map((signature) => {
        const data = signature.toJSON()
        return prepareSignature(data, this.findTask(data.task) ?? { name: data.task }, around)
      }),
    )
    return sendCalls(this, calls, parent)
  }

  /**
   * A signature from its plain data, as it stands in a message, a result or a file.
   * @throws {InvalidCall} when it has no signature's shape
   */
  signature(data: unknown): AnySignature {
    return signatureFromWire(
      data,
      signatureSender(() => this),
    )
  }

  /** A handle of a task that was sent before, by its id. What it gives is for the caller to know. */
  result<R = unknown>(id: string): AsyncResult<R> {
    return new AsyncResult<R>(id, this.#footing.resultAccess)
  }

  /** One queue, to pause, resume, count or purge. */
  queue(name: string): QueueHandle {
    return new QueueHandle(name, () => this.broker())
  }

  /** Listens to one kind of event, of all tasks or of one. Stop with what it returns (`using`), or by `options.signal`. */
  on<E extends AppEventName>(event: E, listener: AppListener<E>, options: EventOptions = {}): Disposable {
    const { task, signal } = options
    return this.events.on(event, listener, { task: typeof task === 'string' ? task : task?.taskName, signal })
  }

  /** Puts a function round every run of a task in this app's workers: `app.use(async (task, next) => { … return next() })`. */
  use(middleware: Middleware<TaskContext>): Disposable {
    return this.middleware.use(middleware)
  }

  /** Runs `fn`, and all that it awaits, with this app as the current one for shared tasks. */
  run<T>(fn: () => T): T {
    return ambient().running.run(this, fn)
  }

  /** Never to run, if they haven't started; with `terminate`, also aborted if they run. Remembered for three hours. */
  async revoke(ids: string | readonly string[], options: RevokeOptions = {}): Promise<void> {
    const command = { ids: typeof ids === 'string' ? [ids] : ids, terminate: options.terminate ?? false }
    await revokeTasks(command, { clock: this.clock, broker: () => this.broker(), stateStore: () => this.stateStore() })
  }

  /** Ends its connections. The app can't send or read results afterwards; may be called twice. */
  async close(): Promise<void> {
    const { apps } = ambient()
    const index = apps.indexOf(this)
    if (index !== -1) apps.splice(index, 1)
    for (const { connections } of this.#footings.toReversed()) await connections.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Opened on first use. */
  broker(): Promise<Broker> {
    return this.#footing.connections.broker()
  }

  resultBackend(): Promise<ResultBackend> {
    return this.#footing.connections.resultBackend()
  }

  stateStore(): Promise<StateStore> {
    return this.#footing.connections.stateStore()
  }

  /**
   * For `umbel/testing`: stands on another ground, and is the current app for shared tasks, until what it returns is called; that closes
   * the ground's connections. Its own connections stay as they are.
   */
  [standOn](ground: Ground): () => Promise<void> {
    const footing = footingOn(ground, this)
    const around = ambient()
    around.underTest ??= []
    const { underTest } = around
    this.#footings.push(footing)
    this.#footing = footing
    underTest.push(this)
    let isOver = false
    return async () => {
      if (isOver) return
      isOver = true
      this.#footings.splice(this.#footings.indexOf(footing), 1)
      this.#footing = this.#footings.at(-1) as Footing
      underTest.splice(underTest.lastIndexOf(this), 1)
      await ground.connections.close()
    }
  }

  /** Loads `imports` and `include`, as a worker does before it starts. @param base folder that relative paths count from */
  async loadImports(base = process.cwd()): Promise<void> {
    await this.run(() => loadTaskModules([...this.settings.imports, ...this.settings.include], base))
  }

  findTask(name: string): TaskDefinition | undefined {
    return this.tasks.find(name)
  }

  async runEagerly(definition: TaskDefinition, { args, kwargs, options }: EagerCall): Promise<AsyncResult<unknown>> {
    const call = await prepareCall(definition, args, { ...options, kwargs }, this.#around(parentTask()))
    return (await this.#footing.eager.run([call], { storesResults: false, propagates: false }))[0]!
  }

  /** What attempts of this app's tasks need, beside what depends on where they run. After `parts.loadSerializers()`. */
  attemptParts(): Omit<AttemptParts, 'keepRecord' | 'isEager' | 'watch'> {
    const { settings, parts } = this
    return {
      tasks: this.tasks,
      defaults: this.callDefaults,
      policy: { serializers: parts.serializers, limits: parts.limits },
      resultSerializer: parts.resultSerializers.loaded(settings.resultSerializer),
      records: parts.results(),
      prepare: (call) => parts.publisher.prepare(call),
      knowsExchange: (name) => parts.router.knowsExchange(name),
      inheritsPriority: settings.taskInheritParentPriority,
      events: this.events,
      middleware: this.middleware,
      logger: this.logger,
      clock: this.clock,
      random: this.#footing.random,
      enterApp: (fn) => this.run(fn),
    }
  }

  async send(calls: readonly Call[]): Promise<AsyncResult<unknown>[]> {
    await this.parts.loadSerializers()
    const { taskAlwaysEager, taskStoreEagerResult, taskEagerPropagates } = this.settings
    if (taskAlwaysEager)
      return this.#footing.eager.run(calls, { storesResults: taskStoreEagerResult, propagates: taskEagerPropagates })
    const announced = this.events.hears('beforePublish') ? await this.#announce(calls) : calls
    const { publisher } = this.parts
    await publisher.publish(announced.map((call) => publisher.prepare(call)))
    if (this.events.hears('afterPublish'))
      for (const call of announced)
        this.events.emit('afterPublish', { task: call.task, id: call.id, queue: this.#queueOf(call) })
    return calls.map((call) => new AsyncResult(call.id, this.#footing.resultAccess, { ignored: call.ignoreResult }))
  }

  async #announce(calls: readonly Call[]): Promise<Call[]> {
    const announced: Call[] = []
    for (const call of calls) {
      const headers = { ...call.headers }
      const { task, id } = call
      await this.events.emitInTurn('beforePublish', { task, id, queue: this.#queueOf(call), headers })
      announced.push({ ...call, headers })
    }
    return announced
  }

  #around(parent: ParentTask | undefined): CallSurroundings {
    return { defaults: this.callDefaults, now: this.clock.now(), parent }
  }

  #queueOf(call: Call): string {
    return this.parts.router.route(call).queue
  }
}
