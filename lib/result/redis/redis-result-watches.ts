import type { RedisServer } from '../../driver/redis/redis-server.ts'
import type { Fetched } from '../result-backend.ts'
import { isFinal, type StoredRecord } from '../result-record.ts'
import type { ResultKeys } from './result-keys.ts'
import { publishedRecord } from './result-rows.ts'

interface Watched {
  readonly id: string
  readonly watches: Set<Watch>
  readonly unsubscribe: () => void
  /** What was told last. */
  last: Fetched | undefined
  /** Looked up before its publication was heard, if that comes at all: what is heard until then may be older. */
  unheard: Fetched | undefined
  /** Documents that were published since this began: what a look finds that was asked for before one of them may be older. */
  messages: number
}

interface Watch {
  readonly onChange: (found: Fetched) => void
  isStopped: boolean
}

/**
 * Everybody who waits for results, on the one connection for messages: subscribed first, then looked up, and again after each new
 * connection, so that nothing is missed in between. What is looked up in one turn is asked for together.
 */
export class RedisResultWatches {
  readonly #server: RedisServer
  readonly #keys: ResultKeys
  readonly #read: (ids: readonly string[]) => Promise<Fetched[]>
  readonly #watched = new Map<string, Watched>()
  #toLookUp = new Set<Watched>()
  #isScheduled = false

  constructor(server: RedisServer, keys: ResultKeys, read: (ids: readonly string[]) => Promise<Fetched[]>) {
    this.#server = server
    this.#keys = keys
    this.#read = read
  }

  add(id: string, onChange: (found: Fetched) => void): () => void {
    const watch: Watch = { onChange, isStopped: false }
    const watched = this.#watched.get(id) ?? this.#begin(id)
    watched.watches.add(watch)
    if (watched.last !== undefined) this.#tell(watch, watched.last)
    return () => {
      if (watch.isStopped) return
      watch.isStopped = true
      watched.watches.delete(watch)
      if (watched.watches.size === 0) this.#end(watched)
    }
  }

  close(): void {
    for (const watched of [...this.#watched.values()]) {
      for (const watch of watched.watches) watch.isStopped = true
      this.#end(watched)
    }
  }

  #begin(id: string): Watched {
    const watched: Watched = {
      id,
      watches: new Set(),
      unsubscribe: this.#server.subscribe(this.#keys.document(id), {
        onReady: () => this.#lookUp(watched),
        onMessage: (payload) => this.#heard(watched, payload as Buffer),
      }),
      last: undefined,
      unheard: undefined,
      messages: 0,
    }
    this.#watched.set(id, watched)
    return watched
  }

  #end(watched: Watched): void {
    if (this.#watched.get(watched.id) === watched) this.#watched.delete(watched.id)
    this.#toLookUp.delete(watched)
    watched.unsubscribe()
  }

  #heard(watched: Watched, document: Buffer): void {
    watched.messages++
    const record = publishedRecord(watched.id, document)
    const heard: Fetched | undefined = record && { kind: 'record', record }
    if (heard === undefined) this.#lookUp(watched)
    else if (watched.unheard === undefined || isEnd(heard)) this.#found(watched, heard)
    else if (isSame(watched.unheard, heard)) watched.unheard = undefined
    else this.#lookUp(watched)
  }

  #lookUp(watched: Watched): void {
    this.#toLookUp.add(watched)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const asked = [...this.#toLookUp]
      this.#toLookUp = new Set()
      if (asked.length > 0) void this.#look(asked)
    })
  }

  async #look(asked: readonly Watched[]): Promise<void> {
    const messages = asked.map((watched) => watched.messages)
    const found = await this.#read(asked.map(({ id }) => id)).catch(() => {
      // The connection ended: the next one says that it is ready, and then all are looked up again.
      return undefined
    })
    found?.forEach((one, index) => {
      const watched = asked[index]!
      if (this.#watched.get(watched.id) !== watched || one.kind === 'absent') return
      const mayBeOlder = watched.messages !== messages[index] && watched.last !== undefined
      if (mayBeOlder && !isEnd(one)) return
      if (watched.last === undefined || !isSame(watched.last, one)) watched.unheard = one
      this.#found(watched, one)
    })
  }

  #found(watched: Watched, found: Fetched): void {
    // A final one never changes, and what comes from the other connection afterwards is older.
    if (watched.last !== undefined && (isEnd(watched.last) || isSame(watched.last, found))) return
    watched.last = found
    for (const watch of watched.watches) this.#tell(watch, found)
  }

  /** In a turn of its own, so that nobody is called back from within his own call, nor spoils what others are told. */
  #tell(watch: Watch, found: Fetched): void {
    queueMicrotask(() => {
      if (!watch.isStopped) watch.onChange(found)
    })
  }
}

function isEnd(found: Fetched): boolean {
  return found.kind === 'record' && isFinal(found.record.state)
}

function isSame(known: Fetched, found: Fetched): boolean {
  if (known.kind !== 'record' || found.kind !== 'record') return known.kind === found.kind
  return known.record.state === found.record.state && isSameDocument(known.record, found.record)
}

function isSameDocument({ document: known }: StoredRecord, { document: found }: StoredRecord): boolean {
  if (typeof known === 'string' || typeof found === 'string') return known === found
  return Buffer.compare(known, found) === 0
}
