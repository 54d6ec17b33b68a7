import type { SqliteStore } from '../../driver/sqlite/sqlite-store.ts'
import type { Fetched } from '../result-backend.ts'
import { type FoundResult, findResults, lastSeq, resultsAfter } from './result-rows.ts'

interface Watch {
  readonly id: string
  readonly onChange: (found: Fetched) => void
  /** The last change told, so that none is told twice. */
  seq: number
  isStopped: boolean
}

/** Rows looked at in one turn of the event loop. */
const atOnce = 500

/**
 * Tells watchers of results. Reads only when the store says that results changed, and then what is less: what changed since, or what is
 * watched; so ten thousand watches of one process cost little more than one.
 */
export class ResultWatches {
  readonly #store: SqliteStore
  readonly #watches = new Map<string, Set<Watch>>()
  /** Not looked up since they were added. */
  #fresh: Watch[] = []
  #seen: number | undefined
  #stopListening: (() => void) | undefined
  #isScheduled = false

  constructor(store: SqliteStore) {
    this.#store = store
  }

  add(id: string, onChange: (found: Fetched) => void): () => void {
    const watch: Watch = { id, onChange, seq: -1, isStopped: false }
    const others = this.#watches.get(id)
    if (others === undefined) this.#watches.set(id, new Set([watch]))
    else others.add(watch)
    this.#fresh.push(watch)
    this.#stopListening ??= this.#store.onChange((change) => {
      if (change === 'results' || change === 'anything') this.#schedule()
    })
    this.#schedule()
    return () => this.#remove(watch)
  }

  close(): void {
    for (const watches of this.#watches.values()) for (const watch of watches) watch.isStopped = true
    this.#watches.clear()
    this.#rest()
  }

  #remove(watch: Watch): void {
    if (watch.isStopped) return
    watch.isStopped = true
    const others = this.#watches.get(watch.id)
    others?.delete(watch)
    if (others?.size === 0) this.#watches.delete(watch.id)
    if (this.#watches.size === 0) this.#rest()
  }

  #rest(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
    this.#fresh = []
    this.#seen = undefined
  }

  /** Looks after this turn: what is added or changes meanwhile is looked up together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#store.open().then(
        () => {
          this.#isScheduled = false
          this.#look()
        },
        () => {
          // Whoever started the backend was told why; the next change, or the look of every second or two, tries again.
          this.#isScheduled = false
        },
      )
    })
  }

  #look(): void {
    if (this.#watches.size === 0) return
    try {
      if (this.#lookOnce()) this.#schedule()
    } catch {
      // Locked or failing just now, or closed meanwhile: as above, it is tried again, and no change is skipped.
    }
  }

  /** True when there is more to look at. */
  #lookOnce(): boolean {
    const now = this.#store.clock.now()
    return this.#store.readNow('watch results', (database) => {
      // Before the first look-up, so that what comes between is seen as a change.
      const last = lastSeq(database)
      this.#seen ??= last
      const fresh = this.#fresh.slice(0, atOnce)
      const ids = new Set(fresh.map(({ id }) => id))
      this.#tell(findResults(database, [...ids], now))
      this.#fresh.splice(0, fresh.length)
      return this.#follow(last, (seen) =>
        last - seen > this.#watches.size && this.#watches.size <= atOnce
          ? { changes: findResults(database, [...this.#watches.keys()], now), seen: last }
          : changesAfter(resultsAfter(database, seen, { limit: atOnce, now }), last),
      )
    })
  }

  #follow(last: number, read: (seen: number) => { changes: readonly FoundResult[]; seen: number }): boolean {
    if (last > this.#seen!) {
      const { changes, seen } = read(this.#seen!)
      this.#tell(changes)
      this.#seen = seen
    }
    return this.#fresh.length > 0 || this.#seen! < last
  }

  #tell(results: readonly FoundResult[]): void {
    for (const { id, seq, found } of results) {
      for (const watch of [...(this.#watches.get(id) ?? [])]) {
        if (watch.isStopped || watch.seq >= seq) continue
        watch.seq = seq
        // Apart from this look, so that a listener that throws spoils neither it nor the others.
        queueMicrotask(() => {
          if (!watch.isStopped) watch.onChange(found)
        })
      }
    }
  }
}

function changesAfter(
  changes: readonly FoundResult[],
  last: number,
): { changes: readonly FoundResult[]; seen: number } {
  return { changes, seen: changes.length < atOnce ? Math.max(last, changes.at(-1)?.seq ?? 0) : changes.at(-1)!.seq }
}
