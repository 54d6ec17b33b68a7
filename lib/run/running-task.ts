import type { Logger } from '../base/logger.ts'
import type { TaskBody } from '../message/task-message.ts'
import type { WireProperties } from '../message/wire-message.ts'
import { type DeliveryInfo, hooksOf, stateActions, type TaskContext, type TaskHooks } from '../task/task-context.ts'
import { Retry, type RetryOptions } from '../task/task-signals.ts'
import type { Job } from './job.ts'

/** What a {@link RunningTask} is told beside its job. */
export interface RunningTaskFacts {
  readonly job: Job
  readonly body: TaskBody
  readonly maxRetries: number | null
  readonly isEager: boolean
  readonly logger: Logger
  /** What the context does and has that only its attempt can give. */
  readonly attempt: TaskHooks & { readonly signal: AbortSignal }
}

const noNames: readonly string[] = Object.freeze([])

/**
 * The context of a task that a worker, or eager mode, runs. Computed field by field when asked: most tasks look at two of them, and one
 * is made for every run. Its methods need no `this`.
 */
export class RunningTask implements TaskContext {
  readonly #facts: RunningTaskFacts
  #log: Logger | undefined

  constructor(facts: RunningTaskFacts) {
    this.#facts = facts
  }

  get id(): string {
    return this.#facts.job.headers.id
  }
  get name(): string {
    return this.#facts.job.headers.task
  }
  get args(): readonly unknown[] {
    return this.#facts.body.args
  }
  get kwargs(): Readonly<Record<string, unknown>> {
    return this.#facts.body.kwargs
  }
  get retries(): number {
    return this.#facts.job.headers.retries
  }
  get maxRetries(): number | null {
    return this.#facts.maxRetries
  }
  get eta(): Date | undefined {
    return dateOf(this.#facts.job.headers.eta)
  }
  get expires(): Date | undefined {
    return dateOf(this.#facts.job.headers.expires)
  }
  get rootId(): string {
    const { rootId, id } = this.#facts.job.headers
    return rootId ?? id
  }
  get parentId(): string | undefined {
    return this.#facts.job.headers.parentId
  }
  get groupId(): string | undefined {
    return this.#facts.job.headers.group
  }
  get groupIndex(): number | undefined {
    return this.#facts.job.headers.groupIndex
  }
  get queue(): string | undefined {
    return this.#facts.job.queue
  }
  get priority(): number | undefined {
    return this.#facts.job.message.properties.priority
  }
  get headers(): Readonly<Record<string, unknown>> {
    return this.#facts.job.headers.custom
  }
  get properties(): WireProperties {
    return this.#facts.job.message.properties
  }
  get deliveryInfo(): DeliveryInfo {
    const { route, redelivered, message } = this.#facts.job
    const { exchange, routingKey } = route
    return { exchange, routingKey, priority: message.properties.priority, redelivered }
  }
  get redelivered(): boolean {
    return this.#facts.job.redelivered
  }
  get attempt(): number {
    return this.#facts.job.attempt
  }
  get hostname(): string {
    return this.#facts.job.hostname
  }
  get origin(): string | undefined {
    return this.#facts.job.headers.origin
  }
  get correlationId(): string | undefined {
    return this.#facts.job.message.properties.correlationId
  }
  get replyTo(): string | undefined {
    return this.#facts.job.message.properties.replyTo
  }
  get stamps(): Readonly<Record<string, unknown>> {
    return this.#facts.job.headers.stamps
  }
  get stampedHeaders(): readonly string[] {
    return this.#facts.job.headers.stampedHeaders ?? noNames
  }
  get replacedTaskNesting(): number {
    return this.#facts.job.headers.replacedTaskNesting
  }
  get isEager(): boolean {
    return this.#facts.isEager
  }
  get isDirect(): boolean {
    return false
  }
  get timeLimits(): { readonly soft?: number | undefined; readonly hard?: number | undefined } {
    const { softTimeLimitMs, timeLimitMs } = this.#facts.job
    return { soft: secondsOf(softTimeLimitMs), hard: secondsOf(timeLimitMs) }
  }
  get signal(): AbortSignal {
    return this.#facts.attempt.signal
  }
  get log(): Logger {
    this.#log ??= this.#facts.logger.child({ task: this.name, id: this.id })
    return this.#log
  }
  get updateState(): TaskContext['updateState'] {
    return this.#stateActions().updateState
  }
  get progress(): TaskContext['progress'] {
    return this.#stateActions().progress
  }
  get retry(): TaskContext['retry'] {
    return (options?: RetryOptions) => {
      throw new Retry(options)
    }
  }
  get [hooksOf](): TaskHooks {
    return this.#facts.attempt
  }

  #stateActions(): Pick<TaskContext, 'updateState' | 'progress'> {
    const { attempt } = this.#facts
    return stateActions({ storeState: (state, meta) => attempt.storeState(state, meta) })
  }
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}
