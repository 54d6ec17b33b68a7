import { type Held, leaseMs, ModelWorker } from './model-worker.ts'
import type { StoreProcess, StoreTraits, StoreUnderModel } from './store-under-model.ts'

/** A lease thread renews about so often. */
const renewEveryMs = 3_000

/** The processes and workers of one run, and their time. */
export class Crew {
  readonly processes: StoreProcess[] = []
  readonly workers: ModelWorker[] = []
  /** Claims that nobody holds any more. */
  readonly stale: Held[] = []
  readonly #store: StoreUnderModel
  readonly #traits: StoreTraits
  #names = 0

  constructor(store: StoreUnderModel, traits: StoreTraits) {
    this.#store = store
    this.#traits = traits
  }

  async start(): Promise<void> {
    for (let i = 0; i < this.#traits.processes; i++) this.processes.push(await this.#store.join())
    for (let i = 0; i < 3; i++) this.workers.push(await this.#newWorker(i))
  }

  get first(): StoreProcess {
    return this.processes[0]!
  }

  get machineNow(): number {
    return this.#store.clock.monotonic()
  }

  /** The first from there on, and around, that can. */
  find(from: number, can: (worker: ModelWorker) => boolean): ModelWorker | undefined {
    const count = this.workers.length
    return [...this.workers, ...this.workers].slice(from % count, (from % count) + count).find(can)
  }

  process(index: number): StoreProcess {
    return this.processes[index % this.processes.length]!
  }

  async #newWorker(index: number): Promise<ModelWorker> {
    const process = this.process(index === 2 ? 1 : 0)
    const worker = await ModelWorker.start(index, process, `worker-${index}-${++this.#names}`)
    this.leased(worker, leaseMs)
    worker.renewAt = this.machineNow + renewEveryMs
    return worker
  }

  leased(worker: ModelWorker, ms: number): void {
    worker.leased(this.machineNow, { ms, seenMs: this.#traits.lapseSeenWithinMs })
  }

  renew(worker: ModelWorker): void {
    worker.process.renew(worker.consumer)
    // Of no use when its claims were taken already: then there are none.
    this.leased(worker, leaseMs)
    worker.renewAt = this.machineNow + renewEveryMs
  }

  hang(worker: ModelWorker): void {
    this.renew(worker)
    worker.wake = worker.process.hang(worker.consumer)
  }

  wake(worker: ModelWorker): void {
    worker.wake?.()
    worker.wake = undefined
  }

  /** A process ends, by itself or not, and another takes its place. */
  async replace(index: number, how: 'crash' | 'reopen'): Promise<StoreProcess> {
    const old = this.processes[index]!
    const workers = this.workers.filter(({ process }) => process === old)
    for (const worker of workers) {
      worker.owner.isGone = true
      worker.owner.lostBy = this.machineNow + (how === 'crash' ? this.#traits.deathSeenWithinMs : 0)
      this.stale.push(...worker.held.splice(0))
    }
    if (how === 'crash') old.die(workers.map(({ consumer }) => consumer))
    else await old.stop()
    const fresh = this.#traits.processes === 1 ? old : await this.#store.join()
    this.processes[index] = fresh
    for (const [at, worker] of this.workers.entries())
      if (workers.includes(worker)) this.workers[at] = await this.#newWorker(at)
    return fresh
  }

  /** The lease threads of those awake renew now and then meanwhile, as time comes for each. */
  async advance(ms: number): Promise<void> {
    const endsAt = this.machineNow + ms
    for (;;) {
      const awakes = this.workers.filter(awake)
      for (const worker of awakes) if (this.machineNow >= worker.renewAt) this.renew(worker)
      const next = Math.min(endsAt, ...awakes.map(({ renewAt }) => renewAt))
      await this.#store.clock.advance(next - this.machineNow)
      if (next >= endsAt) break
    }
  }

  /** Until nothing is under way that time alone does not move. */
  async quiet(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const { broker } of this.processes) await broker.flush()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

export const holding = ({ held }: ModelWorker): boolean => held.length > 0
export const hanging = ({ isHung }: ModelWorker): boolean => isHung
export const awake = ({ isHung }: ModelWorker): boolean => !isHung
