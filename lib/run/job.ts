import type { Route } from '../broker/queue.ts'
import type { TaskHeaders } from '../message/task-message.ts'
import type { WireMessage } from '../message/wire-message.ts'

/** What a pool is given to run: one attempt of one task. Plain data, the body still as it came, so that it survives a thread or process boundary. */
export interface Job {
  readonly headers: TaskHeaders
  /** With its body undecoded: the slot decodes arguments, so that a hostile body hurts only its slot. */
  readonly message: WireMessage
  readonly queue: string
  readonly route: Route
  readonly redelivered: boolean
  /** 1 for the first delivery; one more for each that was lost with its worker. */
  readonly attempt: number
  /** Node name of the worker. */
  readonly hostname: string
  /** Effective limits, ms: the call's, else the task's, else the app's. */
  readonly softTimeLimitMs?: number | undefined
  readonly timeLimitMs?: number | undefined
}
