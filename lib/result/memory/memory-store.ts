import type { Clock } from '../../base/clock.ts'
import { microtask } from '../../base/microtask.ts'
import type { Fetched } from '../result-backend.ts'
import { isFinal, type StoredRecord } from '../result-record.ts'

/** How long the store remembers that there was a record, after it expired. */
const rememberMs = 7 * 86_400_000
/** Entries looked at for expiry with each that is stored, so that memory stays bounded and nobody waits. */
const sweptPerRecord = 2

let stores = 0

/** Records in this process: what a memory broker and a memory result backend share, so that a settlement is one act. */
export class MemoryStore {
  /** `memory:7`, or `memory:` and the name it was given. */
  readonly name: string
  readonly #clock: Clock
  readonly #records = new Map<string, StoredRecord>()
  readonly #watches = new Map<string, Set<Watch>>()
  #sweep: Iterator<[string, StoredRecord]> | undefined

  constructor(options: { clock: Clock; name?: string | undefined }) {
    this.#clock = options.clock
    this.name = `memory:${options.name ?? ++stores}`
  }

  keep(records: readonly StoredRecord[]): void {
    for (const record of records) {
      const { id } = record
      const known = this.#find(id)
      if (known.kind === 'record' && isFinal(known.record.state)) continue
      this.#records.set(id, copyOf(record))
      for (const watch of this.#watches.get(id) ?? []) this.#tell(watch)
    }
    this.#sweepSome(records.length * sweptPerRecord)
  }

  fetch(ids: readonly string[]): Fetched[] {
    return ids.map((id) => this.#find(id))
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) this.#records.delete(id)
  }

  watch(id: string, onChange: (found: Fetched) => void): () => void {
    const watch: Watch = { id, onChange, isStopped: false, isTelling: false }
    const others = this.#watches.get(id)
    if (others === undefined) this.#watches.set(id, new Set([watch]))
    else others.add(watch)
    this.#tell(watch)
    return () => {
      watch.isStopped = true
      const left = this.#watches.get(id)
      if (left?.delete(watch) && left.size === 0) this.#watches.delete(id)
    }
  }

  /** In a turn of its own, so that nobody is called back from within his own call; changes in between are told as the last of them. */
  #tell(watch: Watch): void {
    if (watch.isTelling) return
    watch.isTelling = true
    microtask(() => {
      watch.isTelling = false
      const found = this.#find(watch.id)
      if (!watch.isStopped && found.kind !== 'absent') watch.onChange(found)
    })
  }

  #find(id: string): Fetched {
    const record = this.#records.get(id)
    if (record === undefined) return { kind: 'absent' }
    const { expiresAt, state } = record
    const now = this.#clock.now()
    if (expiresAt === undefined || expiresAt > now) return { kind: 'record', record: copyOf(record) }
    return expiresAt + rememberMs > now ? { kind: 'expired', state } : { kind: 'absent' }
  }

  #sweepSome(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#sweep ??= this.#records.entries()
      const next = this.#sweep.next()
      if (next.done === true) {
        this.#sweep = undefined
        return
      }
      const [id, record] = next.value
      const found = this.#find(id)
      if (found.kind === 'absent') this.#records.delete(id)
      // What is left of it is its state.
      else if (found.kind === 'expired' && record.document.length > 0)
        this.#records.set(id, { ...record, document: '' })
    }
  }
}

interface Watch {
  readonly id: string
  readonly onChange: (found: Fetched) => void
  isStopped: boolean
  isTelling: boolean
}

/** Bytes that a caller changes later must not change what is stored. */
function copyOf(record: StoredRecord): StoredRecord {
  return typeof record.document === 'string' ? record : { ...record, document: new Uint8Array(record.document) }
}
