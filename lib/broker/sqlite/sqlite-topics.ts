import type { Service } from '../../base/service.ts'
import { type SqliteDatabase, textOf } from '../../driver/sqlite/sqlite-database.ts'
import type { SqliteStore } from '../../driver/sqlite/sqlite-store.ts'
import type { Transaction, WriteKind } from '../../driver/sqlite/write-queue.ts'
import type { WireMessage } from '../../message/wire-message.ts'
import { decodeEnvelope, encodeEnvelope } from '../envelope.ts'

/** How long a broadcast is kept for subscribers that are slow to look. */
const keepMs = 60_000
const atOnce = 200

/** Broadcasts: rows that every subscriber reads from where it joined, removed after a minute. */
export class SqliteTopics {
  readonly #store: SqliteStore
  readonly #subscriptions = new Set<Subscription>()
  #stopListening: (() => void) | undefined

  constructor(store: SqliteStore) {
    this.#store = store
  }

  async broadcast(topic: string, message: WireMessage): Promise<void> {
    const envelope = encodeEnvelope(message, { exchange: '', routingKey: topic }, topic)
    await this.#store.write(broadcasting, { topic, envelope })
  }

  async subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service> {
    const cursor = await this.#store.read('subscribe', lastBroadcast)
    const subscription: Subscription = { topic, onMessage, cursor }
    this.#subscriptions.add(subscription)
    this.#stopListening ??= this.#store.onChange((change) => {
      if (change === 'topics' || change === 'anything') this.#look()
    })
    // What was broadcast while the cursor was read and nobody listened yet.
    this.#look()
    return {
      start: async () => {},
      stop: async () => {
        this.#subscriptions.delete(subscription)
        if (this.#subscriptions.size === 0) this.close()
      },
    }
  }

  close(): void {
    this.#subscriptions.clear()
    this.#stopListening?.()
    this.#stopListening = undefined
  }

  #look(): void {
    for (const subscription of [...this.#subscriptions]) {
      try {
        this.#store.readNow('read broadcasts', (database) => this.#readTo(database, subscription))
      } catch {
        // Locked just now, or closed meanwhile: the look of every second or two reads on from the same place.
      }
    }
  }

  #readTo(database: SqliteDatabase, subscription: Subscription): void {
    for (;;) {
      const rows = database.statement(selectAfter).all([subscription.cursor, subscription.topic, atOnce])
      for (const [id, envelope] of rows) {
        subscription.cursor = Number(id)
        const message = readMessage(textOf(envelope), subscription.topic)
        if (message === undefined) continue
        // Apart, so that a subscriber that throws spoils nothing here.
        queueMicrotask(() => {
          if (this.#subscriptions.has(subscription)) subscription.onMessage(message)
        })
      }
      if (rows.length < atOnce) return
    }
  }
}

interface Subscription {
  readonly topic: string
  readonly onMessage: (message: WireMessage) => void
  cursor: number
}

const selectAfter =
  'select id, cast(envelope as blob) as envelope from broadcasts where id > ? and topic = ? order by id limit ?'

const broadcasting: WriteKind<{ readonly topic: string; readonly envelope: string }, void> = {
  name: 'broadcast',
  weight: () => 1,
  run(transaction, items) {
    const insert = transaction.database.statement('insert into broadcasts (topic, envelope, sent_at) values (?, ?, ?)')
    for (const { topic, envelope } of items) insert.run([topic, envelope, transaction.now])
    transaction.changed('topics')
    return items.map(() => undefined)
  },
}

/** Removes broadcasts that are over a minute old. A {@link Sweep}. */
export function sweepBroadcasts({ database, now }: Transaction, limit: number): number {
  // They are old in the order of their ids, so the first young one ends it.
  const rows = database.statement('select id, sent_at from broadcasts order by id limit ?').all([limit])
  const old = rows.filter(([, sentAt]) => Number(sentAt) < now - keepMs)
  const last = old.at(-1)?.[0]
  if (last !== undefined) database.statement('delete from broadcasts where id <= ?').run([last])
  return old.length
}

function lastBroadcast(database: SqliteDatabase): number {
  // Not max(id): the table may be empty, and numbers go on from what was there.
  return Number(database.statement("select seq from sqlite_sequence where name = 'broadcasts'").all([])[0]?.[0] ?? 0)
}

function readMessage(text: string, topic: string): WireMessage | undefined {
  try {
    return decodeEnvelope(text, topic).message
  } catch {
    return undefined // damaged by hand; broadcasts are best effort
  }
}
