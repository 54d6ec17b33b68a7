import type { Clock } from '../../base/clock.ts'
import { Closed } from '../../base/errors.ts'
import type { Fetched, ResultBackend, ResultBackendCapabilities } from '../result-backend.ts'
import type { StoredRecord } from '../result-record.ts'
import { MemoryStore } from './memory-store.ts'

export interface MemoryResultBackendOptions {
  readonly clock: Clock
  /** Part of the store's name; a number where left out. */
  readonly name?: string | undefined
  /** The store of a memory broker, so that both are one. */
  readonly shared?: MemoryStore | undefined
}

/** Records in this process alone; for tests and examples. */
export class MemoryResultBackend implements ResultBackend {
  readonly capabilities: ResultBackendCapabilities = { keepsResults: true, sharedByProcesses: false }
  readonly store: string
  readonly #store: MemoryStore
  readonly #stopWatches = new Set<() => void>()
  #isStopped = false

  constructor(options: MemoryResultBackendOptions) {
    this.#store = options.shared ?? new MemoryStore(options)
    this.store = this.#store.name
  }

  async start(): Promise<void> {
    this.#refuseStopped('start')
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const stop of this.#stopWatches) stop()
    this.#stopWatches.clear()
  }

  async keep(records: readonly StoredRecord[]): Promise<void> {
    this.#refuseStopped('store results')
    this.#store.keep(records)
  }

  async fetch(ids: readonly string[]): Promise<Fetched[]> {
    this.#refuseStopped('read results')
    return this.#store.fetch(ids)
  }

  watch(id: string, onChange: (found: Fetched) => void): () => void {
    this.#refuseStopped('watch results')
    const stopWatching = this.#store.watch(id, onChange)
    const stop = (): void => {
      this.#stopWatches.delete(stop)
      stopWatching()
    }
    this.#stopWatches.add(stop)
    return stop
  }

  async forget(ids: readonly string[]): Promise<void> {
    this.#refuseStopped('forget results')
    this.#store.forget(ids)
  }

  #refuseStopped(what: string): void {
    if (this.#isStopped) throw new Closed(`Cannot ${what} in ${this.store}: this result backend was closed.`)
  }
}
