import type { Broker, Consumer, DeadLetterReason } from '../../lib/broker/broker.ts'
import type { ResultBackend } from '../../lib/result/result-backend.ts'
import type { StateStore } from '../../lib/state/state-store.ts'
import type { FakeClock } from '../../lib/testing/fake-clock.ts'
import type { Library } from './library.ts'
import type { ProcessClock } from './process-clock.ts'
import type { Step } from './steps.ts'

/** A kind of store that is compared with the model. Each kind of broker brings one, and nothing else here knows what it is made of. */
export interface StoreKind {
  readonly name: string
  readonly traits: StoreTraits
  /** A new one, empty. */
  open(library: Library): Promise<StoreUnderModel>
}

export interface StoreUnderModel {
  /** Moves the time of every process of the store. */
  readonly clock: FakeClock
  /** A process joins the store. Where only one process can (memory), it is called once. */
  join(): Promise<StoreProcess>
  /** Everything that the store holds, read as one act beside all processes. */
  snapshot(): StoreSnapshot
  /** Stops every process that ever joined, and removes the store. */
  stop(): Promise<void>
}

export interface StoreTraits {
  /** How many processes can take part. */
  readonly processes: 1 | 2
  /** Steps that mean nothing to it: nobody can reopen what is kept in one process alone. */
  readonly cannot: ReadonlySet<Step['do']>
  /** By then the claims of a process that died have come back, ms. Not before its lease has ended where nobody sees that it died. */
  readonly deathSeenWithinMs: number
  /** By then the claims of a lapsed lease have come back, ms after its end. */
  readonly lapseSeenWithinMs: number
  /** How long a consumer that gave back what it can't use leaves to others what becomes due, ms. */
  readonly yieldMs: number
}

/** One process of a store, with a clock of its own that dies with it. */
export interface StoreProcess {
  readonly clock: ProcessClock
  readonly broker: Broker
  readonly results: ResultBackend
  readonly stateStore: StateStore
  readonly revoked: InstanceType<Library['RevokedTasks']>
  /** One beat of the consumer's lease thread. */
  renew(consumer: Consumer): void
  /** From now on nobody renews the consumer's lease by itself; what it gives ends that. */
  hang(consumer: Consumer): () => void
  /** It ends as by SIGKILL with all its consumers: nothing of it runs any more, and nothing is given back by it. */
  die(consumers: readonly Consumer[]): void
  /** It ends as it should. */
  stop(): Promise<void>
}

export interface StoreSnapshot {
  readonly messages: readonly SeenMessage[]
  /** What a store must never hold, in words: messages that nothing points to, claims of nobody. */
  readonly faults: readonly string[]
}

/** One message in one queue, as the store has it. */
export interface SeenMessage {
  /** `<task id>@<queue>` */
  readonly key: string
  readonly place: 'waiting' | 'scheduled' | 'claimed' | 'dead'
  readonly due?: number | undefined
  readonly token?: number | undefined
  /** Who holds the claim, where the store tells. */
  readonly owner?: string | undefined
  readonly history?: { readonly losses: number; readonly returns: number } | undefined
  readonly reason?: DeadLetterReason | undefined
}
