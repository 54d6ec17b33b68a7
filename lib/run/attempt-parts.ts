import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Outgoing } from '../broker/broker.ts'
import type { EventEmitter } from '../hook/event-emitter.ts'
import type { MiddlewareChain } from '../hook/middleware-chain.ts'
import type { ReadPolicy } from '../message/read-message.ts'
import type { Serializer } from '../message/serializer.ts'
import type { Call } from '../publish/call.ts'
import type { StoredRecord } from '../result/result-record.ts'
import type { TaskContext } from '../task/task-context.ts'
import type { TaskDefinition } from '../task/task-definition.ts'
import type { TaskDefaults } from '../task/task-options.ts'
import type { RecordMaker } from './settlement.ts'

/** What attempts need of the process that they run in; one for all of them. */
export interface AttemptParts {
  readonly tasks: { find(name: string): TaskDefinition | undefined }
  readonly defaults: TaskDefaults
  readonly policy: ReadPolicy
  /** What results and states are encoded with. */
  readonly resultSerializer: Serializer
  readonly records: RecordMaker
  /** Stores a state that is not final. Resolves also when that failed: bookkeeping never fails a task. */
  readonly keepRecord: (record: StoredRecord) => Promise<void>
  /** Encodes what is to be sent next. @throws {Unserializable, MessageTooLarge, Unroutable} */
  readonly prepare: (call: Call) => Outgoing
  /** False for an exchange that belongs to no declared queue: what messages ask for may not go there. */
  readonly knowsExchange: (name: string) => boolean
  /** `taskInheritParentPriority` */
  readonly inheritsPriority: boolean
  readonly events: EventEmitter
  readonly middleware: MiddlewareChain<TaskContext>
  readonly logger: Logger
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** Makes the app the current one inside `fn`; used where a process has more than one. */
  readonly enterApp: <T>(fn: () => T) => T
  /** Run by `applyEager` or `taskAlwaysEager`. */
  readonly isEager: boolean
  /** Watches for functions that keep the event loop. */
  readonly watch?: CallWatch | undefined
}

/** Told when a task's function takes the event loop, and when it gives it back by returning or awaiting. */
export interface CallWatch {
  /** @param mark what the pool gave the attempt */
  entered(mark: number): void
  left(task: { readonly id: string; readonly task: string }, tookMs: number): void
}
