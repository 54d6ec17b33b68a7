import type { Claim, Consumer, Delivery } from '../../lib/broker/broker.ts'
import type { Owner } from './store-model.ts'
import type { StoreProcess } from './store-under-model.ts'

/** Leases of all workers; what a lapse costs in virtual time. */
export const leaseMs = 10_000

const queuesByWorker = [
  ['q0', 'q1', 'q2'],
  ['q1', 'q0'],
  ['q2', 'q0'],
] as const

/** A claim that a worker was given and has not settled. */
export interface Held {
  readonly key: string
  readonly claim: Claim
}

/** One consumption with what it holds. A worker that was replaced keeps its claims until the store takes them back. */
export class ModelWorker {
  readonly queues: readonly string[]
  readonly process: StoreProcess
  readonly owner: Owner
  /** Handed over and not settled by it, in order. */
  readonly held: Held[] = []
  readonly errors: Error[] = []
  wake: (() => void) | undefined
  /** It gave back what it could not use, on the monotonic clock. */
  gaveBackAt = Number.NEGATIVE_INFINITY
  limit = 0
  /** When its lease thread renews next, on the machine's clock. */
  renewAt = 0
  #consumer: Consumer | undefined
  #given: Delivery[] = []

  private constructor(index: number, process: StoreProcess, name: string) {
    this.queues = queuesByWorker[index]!
    this.process = process
    this.owner = { name, isGone: false, safeUntil: 0, lostBy: 0 }
  }

  static async start(index: number, process: StoreProcess, name: string): Promise<ModelWorker> {
    const worker = new ModelWorker(index, process, name)
    worker.#consumer = await process.broker.consume(worker.queues, {
      owner: name,
      prefetch: 0,
      leaseMs,
      onDeliveries: (batch) => void worker.#given.push(...batch),
      onError: (error) => void worker.errors.push(error),
    })
    await worker.#consumer.start()
    return worker
  }

  get consumer(): Consumer {
    return this.#consumer!
  }

  get isHung(): boolean {
    return this.wake !== undefined
  }

  /** It may hold so many more from now on. */
  allow(more: number): void {
    this.limit = this.consumer.unsettled + more
    this.consumer.setPrefetch(this.limit)
  }

  /** What it was given since the last time. */
  take(): Delivery[] {
    return this.#given.splice(0)
  }

  remove(token: number): void {
    const at = this.held.findIndex(({ claim }) => claim.token === token)
    if (at >= 0) this.held.splice(at, 1)
  }

  /** Its lease reaches so far from now, and `seenMs` later others must have noticed its end. */
  leased(now: number, { ms, seenMs }: { ms: number; seenMs: number }): void {
    this.owner.safeUntil = Math.max(this.owner.safeUntil, now + ms)
    this.owner.lostBy = now + leaseMs + seenMs
  }
}
