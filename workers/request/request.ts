import type { Delivery } from '../../lib/broker/broker.ts'
import type { RefusalReason } from '../../lib/message/read-message.ts'
import type { TaskHeaders } from '../../lib/message/task-message.ts'
import type { TaskDefinition } from '../../lib/task/task-definition.ts'
import type { EffectiveTaskOptions } from '../../lib/task/task-options.ts'

/** One delivery being worked: what its headers say, and what is known here of its task. */
export interface Request {
  readonly kind: 'request'
  readonly delivery: Delivery
  readonly headers: TaskHeaders
  /** Both undefined when the task is not registered here. */
  readonly definition: TaskDefinition | undefined
  readonly options: EffectiveTaskOptions | undefined
  /** `early` is at most once: before the run, by a round trip. */
  readonly acknowledge: 'early' | 'late'
  /** Records of success and of states are wanted. */
  readonly keepsResult: boolean
  /** Records of failure and revocation are wanted. */
  readonly keepsErrors: boolean
}

/** A delivery whose headers can't be used. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly delivery: Delivery
  /** `rejected` where the worker itself is to blame. */
  readonly reason: RefusalReason | 'rejected'
  readonly detail: string
  /** As far as the headers could be read. */
  readonly id: string | undefined
  readonly task: string | undefined
}
