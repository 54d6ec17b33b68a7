import type { Fetched, ResultBackend, ResultBackendCapabilities } from '../../../lib/result/result-backend.ts'
import type { StoredRecord } from '../../../lib/result/result-record.ts'
import type { Link } from './link.ts'

/** One process's way to the records of a fake store. */
export class FakeResults implements ResultBackend {
  readonly capabilities: ResultBackendCapabilities = { keepsResults: true, sharedByProcesses: true }
  readonly store: string
  readonly link: Link
  readonly watches = new Set<() => void>()
  readonly #by: unknown

  /** @param store the name it goes by: the broker's, or another where results are kept elsewhere */
  constructor(link: Link, store: string, by?: unknown) {
    this.link = link
    this.store = store
    this.#by = by
  }

  async start(): Promise<void> {
    this.link.refuseClosed('start')
  }

  async stop(): Promise<void> {
    this.link.isClosed = true
    for (const stop of [...this.watches]) stop()
  }

  async keep(records: readonly StoredRecord[]): Promise<void> {
    this.link.refuseClosed('store results')
    await this.link.ask({ asked: 'results', act: () => this.link.store.keep(records, this.#by) })
  }

  async fetch(ids: readonly string[]): Promise<Fetched[]> {
    this.link.refuseClosed('read results')
    return this.link.ask({ asked: 'other', act: () => this.link.store.records.fetch(ids) })
  }

  watch(id: string, onChange: (found: Fetched) => void): () => void {
    this.link.refuseClosed('watch results')
    const stopWatching = this.link.store.records.watch(id, (found) =>
      this.link.bring(() => {
        if (this.watches.has(stop)) onChange(found)
      }),
    )
    const stop = (): void => {
      this.watches.delete(stop)
      stopWatching()
    }
    this.watches.add(stop)
    return stop
  }

  async forget(ids: readonly string[]): Promise<void> {
    this.link.refuseClosed('forget results')
    await this.link.ask({ asked: 'other', act: () => this.link.store.records.forget(ids) })
  }
}
