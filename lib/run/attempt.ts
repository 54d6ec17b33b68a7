import { crashPoint } from '../base/crash-point.ts'
import { MessageTooLarge, TaskRevoked, TimeLimitExceeded, WorkerShutdown } from '../base/errors.ts'
import type { DeadLetterReason, Outgoing } from '../broker/broker.ts'
import type { TaskEvent } from '../hook/hooks.ts'
import type { Encoded } from '../message/encoded.ts'
import { errorRecordOf, matchesError, tracebackOf } from '../message/error-record.ts'
import { decodeBody, type MessageRefused } from '../message/read-message.ts'
import type { TaskBody } from '../message/task-message.ts'
import { bodySizeBytes } from '../message/wire-message.ts'
import { ambient } from '../task/current-app.ts'
import { bindArguments } from '../task/params.ts'
import { decideRetry, type RetryDecision } from '../task/retry-policy.ts'
import { parseInput, parseOutput } from '../task/schema.ts'
import { runInContext, type TaskContext, type TaskHooks } from '../task/task-context.ts'
import type { TaskDefinition } from '../task/task-definition.ts'
import { type EffectiveTaskOptions, effectiveTaskOptions, type TaskEnding } from '../task/task-options.ts'
import { Ignore, Reject, Retry } from '../task/task-signals.ts'
import type { AttemptParts } from './attempt-parts.ts'
import { afterFailure, afterSuccess, refusalOfFollowUps, retryOf } from './follow-ups.ts'
import type { Job } from './job.ts'
import type { Outcome } from './outcome.ts'
import { RunningTask } from './running-task.ts'

/** Runs one attempt of a task, with nothing that could end it from outside. Never rejects. */
export async function runAttempt(job: Job, parts: AttemptParts): Promise<Outcome> {
  return new Attempt(job, parts).run()
}

const nothing: readonly unknown[] = Object.freeze([])

/**
 * One attempt of one task: decodes the arguments, calls hooks and function, encodes the result. Whoever runs it can abort it, or end it
 * early; what the function does after that has no effect any more.
 */
export class Attempt implements TaskHooks {
  readonly job: Job
  readonly #parts: AttemptParts
  readonly #mark: number
  // Set by #prepare, which comes before everything that looks at them.
  #definition!: TaskDefinition
  #options!: EffectiveTaskOptions
  #body!: TaskBody
  #context!: TaskContext
  #controller: AbortController | undefined
  #abortedBy: Error | undefined
  #isOver = false
  #children: unknown[] | undefined
  #startedAt: number | undefined

  /** @param mark how the pool's watch knows it */
  constructor(job: Job, parts: AttemptParts, mark = -1) {
    this.job = job
    this.#parts = parts
    this.#mark = mark
  }

  /**
   * Never throws or rejects. A promise only where the task's own code makes one: promises are most of what a short task costs.
   * Once the attempt was ended from outside, what comes of it means nothing.
   */
  run(): Outcome | Promise<Outcome> {
    const refusal = this.#prepare()
    if (refusal !== undefined) return refusal
    // A process has one app nearly always, which then is the current one without being told.
    if (ambient().apps.length > 1) return this.#parts.enterApp(() => this.#runInContext())
    return this.#runInContext()
  }

  /** Made when somebody looks at it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy)
    }
    return this.#controller.signal
  }

  /** Asks the function to end, by its signal. The first reason stays. */
  abort(reason: Error): void {
    this.#abortedBy ??= reason
    this.#controller?.abort(reason)
  }

  /** Ends it for the worker: past the hard limit. Its hooks are told; nobody waits for them. */
  timeOut(limitMs: number): Outcome {
    const { task } = this.job.headers
    const error = new TimeLimitExceeded(
      `Task ${task} ran longer than its hard time limit of ${limitMs / 1000} s. Raise timeLimit, or do less in one task.`,
    )
    this.#end(error)
    void runInContext(this.#context, () => this.#tellFailure(error)) // logs what its hooks throw, never rejects
    const follow = afterFailure(this.job, this.#body.embed, this.#parts)
    return { ...this.#base(), kind: 'timed-out', limitMs, follow }
  }

  /** Ends it for the worker: revoked with `terminate`. */
  revoke(): Outcome {
    this.#end(new TaskRevoked(`Task ${this.job.headers.id} was revoked while it ran.`, { reason: 'terminated' }))
    return { ...this.#base(), kind: 'revoked', reason: 'terminated' }
  }

  /** Ends it for the worker, which is stopping: the message is given back. */
  release(): Outcome {
    this.#end(new WorkerShutdown('The worker is stopping; this task is given back and runs again.'))
    return { ...this.#base(), kind: 'released' }
  }

  /**
   * The claim on its message passed to another worker: what it still does counts no more, and its end will not be settled. Not for a
   * task that was acknowledged before it ran, which nobody else can have.
   */
  disown(): void {
    if (this.#options.acksLate) this.#isOver = true
  }

  noteChild(tuple: unknown): void {
    if (this.#isOver) return
    this.#children ??= []
    this.#children.push(tuple)
  }

  async storeState(state: string, meta: unknown): Promise<void> {
    const result = this.#encoded(meta)
    if (this.#isOver) return
    const { id, group: groupId, parentId } = this.job.headers
    const { records, clock, keepRecord } = this.#parts
    await keepRecord(records.make(state, result, { id, groupId, parentId, now: clock.now() }))
  }

  #end(reason: Error): void {
    this.#isOver = true
    this.abort(reason)
  }

  /** Everything that calls no code of the user's. */
  #prepare(): Outcome | undefined {
    const { job } = this
    const { tasks, defaults, policy, isEager, logger } = this.#parts
    const definition = tasks.find(job.headers.task)
    if (definition === undefined)
      return this.#refused('unknown-task', `Task "${job.headers.task}" is not registered here.`)
    try {
      this.#body = decodeBody(job.message, policy)
    } catch (error) {
      const { reason, message } = error as MessageRefused // decodeBody throws nothing else
      return this.#refused(reason, message)
    }
    const refusal = refusalOfFollowUps(job, this.#body.embed, this.#parts)
    if (refusal !== undefined) return this.#refused(refusal.reason, refusal.detail)
    this.#definition = definition
    this.#options = effectiveTaskOptions(definition, defaults)
    const { maxRetries } = this.#options
    this.#context = new RunningTask({ job, body: this.#body, maxRetries, isEager, logger, attempt: this })
    return undefined
  }

  #runInContext(): Outcome | Promise<Outcome> {
    return runInContext(this.#context, () => this.#perform())
  }

  #perform(): Outcome | Promise<Outcome> {
    let value: unknown
    try {
      this.#tellStart()
      const { beforeStart } = this.#options
      value = beforeStart === undefined ? this.#callThroughMiddleware() : this.#callAfter(beforeStart)
      if (isThenable(value)) return this.#awaited(value)
    } catch (error) {
      return this.#threw(error)
    }
    return this.#ended(value)
  }

  async #callAfter(beforeStart: NonNullable<EffectiveTaskOptions['beforeStart']>): Promise<unknown> {
    await beforeStart(this.#context)
    return this.#callThroughMiddleware()
  }

  #callThroughMiddleware(): unknown {
    const { middleware } = this.#parts
    return middleware.isEmpty ? this.#call() : middleware.run(this.#context, () => this.#call())
  }

  async #awaited(promised: PromiseLike<unknown>): Promise<Outcome> {
    let value: unknown
    try {
      value = await promised
    } catch (error) {
      return this.#threw(error)
    }
    return this.#ended(value)
  }

  /** The function has done its work: running it again for the sake of its result would be wrong, so there is no retry from here on. */
  #ended(value: unknown): Outcome | Promise<Outcome> {
    try {
      const ended = this.#returned(value)
      return ended instanceof Promise ? ended.catch((error) => this.#failed(error)) : ended
    } catch (error) {
      return this.#failed(error)
    }
  }

  #call(): unknown {
    const { args, kwargs } = this.#body
    const definition = this.#definition
    if (definition.input === undefined) return this.#enter(bindArguments(definition, args, kwargs))
    const parsed = parseInput(definition, { args, kwargs })
    return isThenable(parsed) ? parsed.then((values) => this.#enter(values)) : this.#enter(parsed)
  }

  #enter(args: readonly unknown[]): unknown {
    const { bind, fn } = this.#definition
    const { watch, clock } = this.#parts
    const call = fn as (...args: unknown[]) => unknown
    this.#startedAt = clock.monotonic()
    watch?.entered(this.#mark)
    try {
      return bind ? call(this.#context, ...args) : call(...args)
    } finally {
      watch?.left(this.job.headers, clock.monotonic() - this.#startedAt)
      crashPoint('worker.duringRun')
    }
  }

  /** A promise only where the user's own code makes one: for most tasks the rest of the way takes no turn of the event loop. */
  #returned(returned: unknown): Outcome | Promise<Outcome> {
    const base = this.#base()
    const value = parseOutput(this.#definition, returned)
    return isThenable(value) ? value.then((parsed) => this.#succeeded(parsed, base)) : this.#succeeded(value, base)
  }

  #succeeded(value: unknown, base: Base): Outcome | Promise<Outcome> {
    const { children, runtimeMs } = base
    const encoded = this.#encoded(value ?? null)
    if (this.#isOver) return { children, runtimeMs, kind: 'released' } // nobody asks any more
    const follow = afterSuccess(this.job, this.#body.embed, value, this.#parts)
    const outcome: Outcome = { children, runtimeMs, kind: 'succeeded', value: encoded, follow }
    const { onSuccess, afterReturn } = this.#options
    if (onSuccess !== undefined || afterReturn !== undefined) return this.#tellSuccess(value, outcome)
    this.#emitSuccess(runtimeMs)
    return outcome
  }

  async #tellSuccess(value: unknown, outcome: Outcome): Promise<Outcome> {
    const { onSuccess } = this.#options
    if (onSuccess !== undefined) await this.#hook('onSuccess', () => onSuccess(value, this.#context))
    await this.#tellEnding({ kind: 'succeeded', value })
    this.#emitSuccess(outcome.runtimeMs)
    return outcome
  }

  #emitSuccess(runtimeMs: number): void {
    const { events } = this.#parts
    if (events.hears('taskSuccess')) events.emit('taskSuccess', { ...this.#event(), runtimeMs })
    this.#tellFinish('SUCCESS')
  }

  async #threw(thrown: unknown): Promise<Outcome> {
    if (this.#isOver) return { ...this.#base(), kind: 'released' } // nobody asks any more
    const error = this.#reasonOf(thrown)
    if (error instanceof Ignore) {
      this.#tellFinish('IGNORED')
      return { ...this.#base(), kind: 'ignored' }
    }
    if (error instanceof Reject) {
      this.#tellFinish('REJECTED')
      return { ...this.#base(), kind: 'rejected', reason: error.message, requeue: error.requeue }
    }
    // Told to stop, it stopped; whatever it threw is no failure of its own.
    if (this.#abortedBy instanceof WorkerShutdown && !(error instanceof Retry)) return this.release()
    const { headers } = this.job
    const { clock, random } = this.#parts
    const task = `${headers.task}[${headers.id}]`
    const { retries } = headers
    const decision = decideRetry({ error, task, options: this.#options, retries, now: clock.now(), random })
    return decision.kind === 'retry' ? this.#retried(decision) : this.#failed(decision.error)
  }

  async #retried({ error, notBefore, args, kwargs }: RetryDecision & { kind: 'retry' }): Promise<Outcome> {
    const base = this.#base()
    const { id } = this.job.headers
    let next: Outgoing
    try {
      next = retryOf(this.job, this.#body, { notBefore, args, kwargs }, this.#parts)
    } catch (cause) {
      return this.#failed(cause)
    }
    const record = errorRecordOf(error)
    const { onRetry } = this.#options
    if (onRetry !== undefined) await this.#hook('onRetry', () => onRetry(toError(error), this.#context))
    await this.#tellEnding({ kind: 'retried', error: toError(error) })
    const { events } = this.#parts
    if (events.hears('taskRetry')) events.emit('taskRetry', { ...this.#event(), error: record, notBefore })
    this.#tellFinish('RETRY')
    // As in Celery, a task that retries has sent itself.
    const children = [...base.children, [[id, null], null]]
    return { ...base, children, kind: 'retry', error: record, traceback: tracebackOf(error), next }
  }

  async #failed(thrown: unknown): Promise<Outcome> {
    const base = this.#base()
    if (this.#isOver) return { ...base, kind: 'released' } // nobody asks any more
    const expected = matchesError(thrown, this.#options.throws)
    const follow = afterFailure(this.job, this.#body.embed, this.#parts)
    await this.#tellFailure(toError(thrown))
    return { ...base, kind: 'failed', error: errorRecordOf(thrown), traceback: tracebackOf(thrown), expected, follow }
  }

  /** APIs that take a signal throw an AbortError of their own; what counts is why it was aborted. */
  #reasonOf(thrown: unknown): unknown {
    return this.#abortedBy !== undefined && thrown instanceof Error && thrown.name === 'AbortError'
      ? this.#abortedBy
      : thrown
  }

  #tellStart(): void {
    const { events, clock } = this.#parts
    this.#startedAt = clock.monotonic()
    if (events.hears('taskStarted')) events.emit('taskStarted', this.#event())
    const { trackStarted, ignoreResult } = this.#options
    if (!trackStarted || (this.job.headers.ignoreResult ?? ignoreResult)) return
    void this.storeState('STARTED', { pid: process.pid, hostname: this.job.hostname }) // never rejects: this meta can be encoded
  }

  async #tellFailure(error: Error): Promise<void> {
    const { runtimeMs } = this.#base()
    const { onFailure } = this.#options
    if (onFailure !== undefined) await this.#hook('onFailure', () => onFailure(error, this.#context))
    await this.#tellEnding({ kind: 'failed', error })
    const { events } = this.#parts
    if (events.hears('taskFailure')) events.emit('taskFailure', { ...this.#event(), error, runtimeMs })
    this.#tellFinish('FAILURE')
  }

  async #tellEnding(ending: TaskEnding<unknown>): Promise<void> {
    const { afterReturn } = this.#options
    if (afterReturn !== undefined) await this.#hook('afterReturn', () => afterReturn(ending, this.#context))
  }

  #tellFinish(state: string): void {
    const { events } = this.#parts
    if (!events.hears('taskFinished')) return
    events.emit('taskFinished', { ...this.#event(), state, runtimeMs: this.#base().runtimeMs })
  }

  /** A hook looks on; what it throws changes nothing. */
  async #hook(name: string, call: () => unknown): Promise<void> {
    try {
      await call()
    } catch (error) {
      const { id, task } = this.job.headers
      this.#parts.logger.error(
        { id, task, err: error },
        `The hook ${name} of this task threw; the outcome stays as it is.`,
      )
    }
  }

  #event(): TaskEvent {
    const { headers, hostname } = this.job
    return { task: headers.task, id: headers.id, headers, hostname }
  }

  #base(): Base {
    const runtimeMs = this.#startedAt === undefined ? 0 : this.#parts.clock.monotonic() - this.#startedAt
    return { children: this.#children ?? nothing, runtimeMs }
  }

  #refused(reason: DeadLetterReason, detail: string): Outcome {
    return { ...this.#base(), kind: 'refused', reason, detail }
  }

  /** @throws {Unserializable, MessageTooLarge} */
  #encoded(value: unknown): Encoded {
    const { resultSerializer, policy } = this.#parts
    const { contentType, contentEncoding } = resultSerializer
    const data = resultSerializer.encode(value)
    const { maxResultBytes: maxBytes } = policy.limits
    // A UTF-16 unit is at most three bytes of UTF-8: short texts need no count.
    if ((typeof data !== 'string' || data.length * 3 > maxBytes) && bodySizeBytes(data) > maxBytes)
      throw new MessageTooLarge(
        `The result of task ${this.job.headers.task} is ${bodySizeBytes(data)} bytes, over the limit of ${maxBytes} (resultMaxSize). ` +
          'Store the data elsewhere and return a reference to it.',
      )
    return { contentType, contentEncoding, data }
  }
}

/** What every outcome has. */
type Base = Pick<Outcome, 'children' | 'runtimeMs'>

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
}
