import type { Service } from '../base/service.ts'
import type { WireMessage } from '../message/wire-message.ts'
import type { StoredRecord } from '../result/result-record.ts'
import type { Queue, Route } from './queue.ts'

/**
 * Carries messages at least once: what is not settled while its lease holds is delivered again.
 *
 * The promises that every implementation keeps, and that the broker exam checks:
 * - `publish` resolves when the messages are stored, in order, and not before. Rejected means that none was stored, unless the error is
 *   `OutcomeUnknown`. Calls made in one turn of the event loop are gathered into one write.
 * - A claim is valid while its message still carries its token. `settle` with an invalid claim does nothing at all and says `lost`:
 *   no acknowledgement, no record, no follow-up.
 * - One settlement is one act: its record, its follow-ups and what becomes of the message all happen or none does, where
 *   `capabilities.settlesResults`; elsewhere the caller stores records and publishes follow-ups first, and then settles.
 * - Within one queue and one priority, messages are delivered in publish order; a message given back goes to the front.
 * - A message with a due time joins the end of its queue when it has become due, or as late as the next claim; several do so in order of
 *   their due times, then of publication. One that was delivered before keeps its place.
 * - What was given back with `counted: 'return'` and a due time is offered to other consumers before the one that could not use it.
 * - Messages with a due time are kept by the broker, not by workers, and cost workers nothing.
 */
export interface Broker extends Service {
  readonly capabilities: BrokerCapabilities
  /** Identity of the store, fit to be shown (secrets masked): `sqlite:/home/me/.umbel/umbel.db`, `memory:7`. Equal for a broker and a result backend on one store. */
  readonly store: string
  /** Makes queues known, with their bindings. Idempotent. A queue that is published to by name needs no declaration here. */
  declare(queues: readonly Queue[]): Promise<void>
  /** @throws {BrokerUnavailable, OutcomeUnknown, Unroutable, StoreFull, StoreUnusable, Closed} */
  publish(messages: readonly Outgoing[]): Promise<void>
  /** Starts claiming. At most `prefetch` deliveries of this consumer are unsettled at a time. */
  consume(queues: readonly string[], options: ConsumeOptions): Promise<Consumer>
  /**
   * In one act for each settlement; replies in order.
   * @throws {BrokerUnavailable, StoreFull, Closed} when nothing of the batch was done
   * @throws {OutcomeUnknown} when some of it may be done; asked again, what was done is `lost`
   */
  settle(batch: readonly Settlement[]): Promise<SettleReply[]>
  /** Gathers with other publications and waits for them: for tests and for `app.close()`. */
  flush(): Promise<void>
  /** To every subscriber alive now: remote control and events. Best effort. */
  broadcast(topic: string, message: WireMessage): Promise<void>
  subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service>
  /** What operators do with queues and dead letters. */
  readonly admin: BrokerAdmin
  /** What the store's own configuration makes of the promises; left out where there is nothing to ask. Instead of what `durable` says. */
  guarantees?(): Promise<readonly BrokerGuarantee[]>
}

/** One promise, and whether it holds in this set-up. */
export interface BrokerGuarantee {
  readonly holds: boolean
  /** A sentence that is true of this set-up. */
  readonly says: string
}

export interface BrokerCapabilities {
  /** Records and follow-ups of a settlement are one act with the acknowledgement, if the result backend has the same `store`. */
  readonly settlesResults: boolean
  /** Which priority number is served first; `none` when priorities are not kept. */
  readonly priorityOrder: 'lowest-first' | 'highest-first' | 'none'
  /** Survives the end of every process. */
  readonly durable: boolean
  /** Other processes can take part. */
  readonly sharedByProcesses: boolean
}

/** One message on its way out. */
export interface Outgoing {
  readonly message: WireMessage
  readonly route: Route
  /** Not to be delivered before, ms since the epoch. */
  readonly notBefore?: number | undefined
}

export interface ConsumeOptions {
  /** Who claims: the worker's node name and a random part. Claims of an owner whose process is gone come back at once. */
  readonly owner: string
  /** Deliveries held unsettled at a time. More raises throughput, and what is repeated after a crash. */
  readonly prefetch: number
  /**
   * Bytes of messages held unsettled at a time, as the store keeps them; one that is larger is held alone. Messages of less than a kibibyte
   * need not be counted. @default no limit
   */
  readonly prefetchBytes?: number | undefined
  /** A message of more bytes than this, as the store keeps it, may be set aside as too large without being read. @default no limit */
  readonly maxBytes?: number | undefined
  /** How long a claim lasts without renewal, in ms. @default 10_000 */
  readonly leaseMs?: number | undefined
  /** Gets what was claimed, never an empty batch. Must not throw. */
  readonly onDeliveries: (batch: readonly Delivery[]) => void
  /** Told of every failed claim round, so that the worker can log it; claiming goes on by itself with backoff. */
  readonly onError: (error: Error) => void
}

/** A running consumption. `stop()` ends claiming and waits for the claim under way; what was delivered stays claimed. */
export interface Consumer extends Service {
  /** Takes effect at the next claim; 0 pauses. */
  setPrefetch(prefetch: number): void
  /** Deliveries handed over and not settled. */
  readonly unsettled: number
  /** When a claim round trip last succeeded, on `Clock.monotonic`; for health checks. */
  readonly lastRoundTrip: number
  /**
   * What renews this consumer's lease from a thread of its own: a module with `export function openLease(data): LeaseThreadPart`, and
   * data that survives `structuredClone`. Undefined where no lease can lapse (one process alone).
   */
  readonly lease: LeaseModule | undefined
}

export interface LeaseModule {
  /** `file:` URL of the module. */
  readonly url: string
  readonly data: unknown
  /** How often to renew, in ms. @default 3_000 */
  readonly renewEveryMs: number
}

/** What a lease module's `openLease` returns, inside the thread. */
export interface LeaseThreadPart {
  /** Extends the lease; false when the owner is no longer known (its claims were taken back). Not called again before it has answered. */
  renew(): boolean | Promise<boolean>
  close(): void | Promise<void>
}

/** Our own key and rising token for one delivery; never the message's `delivery_tag`. */
export interface Claim {
  readonly key: string | number
  readonly token: number
  /** The queue it was claimed from. */
  readonly queue: string
}

/** One message, ours until settled. */
export interface Delivery {
  readonly claim: Claim
  readonly message: WireMessage
  readonly queue: string
  readonly route: Route
  /** It was delivered before and not settled. */
  readonly redelivered: boolean
  /** How many earlier deliveries ended with a lost worker. */
  readonly losses: number
  /** How often it was given back with `counted: 'return'`, and when first (ms since the epoch). */
  readonly returns: number
  readonly firstReturnedAt?: number | undefined
}

export interface Settlement {
  readonly claim: Claim
  /**
   * - `done`: gone from its queue.
   * - `give-back`: to the front of its queue, at once or at `notBefore`.
   * - `park`: waits until `notBefore`, then is delivered as if for the first time.
   * - `dead-letter`: kept aside with `reason`, `detail` and its raw bytes.
   */
  readonly disposition: 'done' | 'give-back' | 'park' | 'dead-letter'
  readonly notBefore?: number | undefined
  /** What a give-back counts as: `return` (unknown task, refused) raises `returns`; `loss` (its slot died) raises `losses`; left out, nothing. */
  readonly counted?: 'return' | 'loss' | undefined
  /** With `dead-letter`. */
  readonly reason?: DeadLetterReason | undefined
  /** A sentence for people, with `dead-letter`. */
  readonly detail?: string | undefined
  readonly record?: StoredRecord | undefined
  /** Retries, links, the chain's next step: ids fixed beforehand, so that a repeat is recognised. */
  readonly publish?: readonly Outgoing[] | undefined
}

/** `lost`: the claim was no longer valid and nothing was done. */
export type SettleReply = 'settled' | 'lost'

/** Why a message was set aside. */
export const deadLetterReasons = [
  'undecodable',
  'malformed',
  'content-refused',
  'too-large',
  'unknown-task',
  'unsupported',
  'rejected',
  'max-deliveries',
] as const
export type DeadLetterReason = (typeof deadLetterReasons)[number]

/** A message that was set aside. */
export interface DeadLetter {
  /** The store's own id, for show, replay and drop. */
  readonly id: string
  readonly queue: string
  readonly reason: DeadLetterReason
  readonly detail: string
  /** ms since the epoch. */
  readonly deadSince: number
  /** From the headers, where they could be read. */
  readonly taskId?: string | undefined
  readonly task?: string | undefined
  /** Exactly what the broker held. */
  readonly raw: Uint8Array
  /** The message, where `raw` could be read as one. */
  readonly message?: WireMessage | undefined
}

export interface QueueCounts {
  readonly queue: string
  /** Ready to be claimed. */
  readonly waiting: number
  /** Kept until their due time. */
  readonly scheduled: number
  readonly claimed: number
  readonly dead: number
  readonly paused: boolean
}

export interface BrokerAdmin {
  /** Every queue that is declared or holds something, by name. */
  queues(): Promise<QueueCounts[]>
  counts(queue: string): Promise<QueueCounts>
  /** Removes what waits and what is scheduled, not what is claimed; how many. */
  purge(queue: string): Promise<number>
  /** Consumers stop claiming from it, on every machine, until resumed. */
  pause(queue: string): Promise<void>
  resume(queue: string): Promise<void>
  /** Oldest first. */
  deadLetters(filter?: {
    queue?: string | undefined
    limit?: number | undefined
    after?: string | undefined
  }): Promise<DeadLetter[]>
  deadLetter(id: string): Promise<DeadLetter | undefined>
  /** Back to the end of their queues with fresh counters; how many there were. */
  replayDead(ids: readonly string[]): Promise<number>
  dropDead(ids: readonly string[]): Promise<number>
}
