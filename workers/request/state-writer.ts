import { type Deferred, deferred } from '../../lib/base/deferred.ts'
import type { Logger } from '../../lib/base/logger.ts'
import type { ResultBackend } from '../../lib/result/result-backend.ts'
import type { StoredRecord } from '../../lib/result/result-record.ts'

/**
 * Stores states that are not final (STARTED, progress, custom ones), one write at a time: what comes in meanwhile goes together in the
 * next. Bookkeeping never fails a task: a write that failed is logged, once for an outage, and forgotten.
 */
export class StateWriter {
  readonly #backend: ResultBackend
  readonly #logger: Logger
  #gathered: StoredRecord[] = []
  #next: Deferred<void> | undefined
  #isWriting = false
  #isFailing = false

  constructor(backend: ResultBackend, logger: Logger) {
    this.#backend = backend
    this.#logger = logger
  }

  /** Resolves when it is stored, or could not be. */
  keep(record: StoredRecord): Promise<void> {
    if (!this.#backend.capabilities.keepsResults) return Promise.resolve()
    this.#gathered.push(record)
    this.#next ??= deferred()
    const { promise } = this.#next
    if (!this.#isWriting) void this.#write() // never rejects
    return promise
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    for (let next = this.#next; next !== undefined; next = this.#next) {
      await Promise.resolve() // whatever else is stored in this turn comes along
      const records = this.#gathered
      this.#gathered = []
      this.#next = undefined
      try {
        await this.#backend.keep(records)
        this.#isFailing = false
      } catch (error) {
        if (!this.#isFailing)
          this.#logger.warn(
            { err: error, states: records.length },
            'States of tasks could not be stored; the tasks go on.',
          )
        this.#isFailing = true
      }
      next.resolve()
    }
    this.#isWriting = false
  }
}
