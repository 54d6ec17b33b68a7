import type { SqliteStore } from '../../driver/sqlite/sqlite-store.ts'
import type { Transaction, WriteKind } from '../../driver/sqlite/write-queue.ts'
import type { Claim, ConsumeOptions, Consumer, Settlement, SettleReply } from '../broker.ts'
import { type ClaimedMessages, claimableQueues, claimReady, readClaimed, type TokenRange } from './claim-rows.ts'
import { encodeMessages, promoteDue } from './message-rows.ts'
import { isKnownOwner, type Owner, registerOwner, removeOwner } from './owner-rows.ts'
import { OwnerWatch } from './owner-watch.ts'
import type { QueueTable } from './queue-table.ts'
import { type EncodedSettlement, settleClaims } from './settle-rows.ts'
import { SqliteConsumer } from './sqlite-consumer.ts'

const defaultLeaseMs = 10_000
/** Messages whose time has come that are made claimable with one claim. */
const promotedAtOnce = 1_000
/** Smaller messages are bounded well enough by their number. */
const countedBytes = 1_024

/** Who of this process holds what: consumers, their claims, and what ends them. */
export class SqliteClaims {
  readonly #store: SqliteStore
  readonly #queues: QueueTable
  readonly #ownerWatch: OwnerWatch
  readonly #owners = new Map<SqliteConsumer, Owner>()
  readonly #consuming = new Set<SqliteConsumer>()
  /** A claim's token → its consumer. */
  readonly #holders = new Map<number, SqliteConsumer>()
  /** A claim's token → the size of its message, where it counts. */
  readonly #sizes = new Map<number, number>()
  /** What a transaction settles for each consumer, so that a claim in the same transaction may already use the room. */
  readonly #settledIn = new WeakMap<Transaction, Map<SqliteConsumer, number>>()

  constructor(store: SqliteStore, queues: QueueTable) {
    this.#store = store
    this.#queues = queues
    this.#ownerWatch = new OwnerWatch(store, (error) => {
      for (const consumer of this.#consuming) consumer.failed(error)
    })
  }

  async consume(queues: readonly string[], options: ConsumeOptions): Promise<Consumer> {
    const owner: Owner = {
      name: options.owner,
      identity: this.#ownerWatch.identity,
      leaseMs: options.leaseMs ?? defaultLeaseMs,
    }
    const joined = await this.#store.write(this.#joining, { queues: [...new Set(queues)], owner })
    const consumer = new SqliteConsumer({
      ...joined,
      store: this.#store,
      options,
      claim: (claimer) => this.#claim(claimer),
      onStopping: (stopping) => this.#leave(stopping),
    })
    this.#owners.set(consumer, owner)
    this.#consuming.add(consumer)
    this.#ownerWatch.start()
    consumer.look()
    return consumer
  }

  async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    const now = this.#store.clock.now()
    const encoded = batch.map((settlement) => ({ settlement, follow: encodeMessages(settlement.publish ?? [], now) }))
    const settled = this.#store.write(this.#settling, encoded)
    for (const { claim, counted } of batch) if (counted === 'return') this.#holders.get(claim.token)?.gaveBack()
    // The next claim then goes into the same transaction.
    for (const [consumer, count] of this.#countByHolder(batch)) consumer.look(count)
    return settled
  }

  /** Ends all consuming; what is still claimed goes back at once, as after the end of the process. */
  async stop(): Promise<void> {
    for (const consumer of [...this.#consuming]) await consumer.stop()
    const owners = [...this.#owners.keys()].map(({ owner }) => owner)
    this.#owners.clear()
    this.#holders.clear()
    this.#sizes.clear()
    // When that is refused (a full disk), the lease lapses and others take the claims back.
    if (owners.length > 0) await this.#store.write(leaving, owners).catch(() => {})
  }

  #leave(consumer: SqliteConsumer): void {
    this.#consuming.delete(consumer)
    if (this.#consuming.size === 0) this.#ownerWatch.stop()
  }

  async #claim(consumer: SqliteConsumer): Promise<number> {
    const range = await this.#store.write(this.#claiming, consumer)
    if (range === undefined) return 0
    const { deliveries, unreadable } = await this.#read(range, consumer.maxBytes)
    let bytes = 0
    for (const { claim, message } of deliveries) {
      this.#holders.set(claim.token, consumer)
      const size = message.body.length
      if (size < countedBytes) continue
      this.#sizes.set(claim.token, size)
      bytes += size
    }
    consumer.deliver(deliveries, bytes)
    if (unreadable.length > 0) await this.#setAside(unreadable)
    return range.last - range.first + 1
  }

  async #read(range: TokenRange, maxBytes: number): Promise<ClaimedMessages> {
    try {
      // After the commit, so that nobody waits for the lock meanwhile.
      return await this.#store.read('read messages', (database) =>
        readClaimed(database, range, { nameOf: (queue) => this.#queues.nameOf(database, queue), maxBytes }),
      )
    } catch (error) {
      const claims = Array.from({ length: range.last - range.first + 1 }, (_, index) => range.first + index)
      // Nobody will ever settle them; if they can't be given back either, they return with their owner.
      await this.#store.write(this.#settling, claims.map(givenBack)).catch(() => {})
      throw error
    }
  }

  async #setAside(unreadable: ClaimedMessages['unreadable']): Promise<void> {
    const settlements = unreadable.map(({ claim, reason, detail }) => ({
      settlement: { claim, disposition: 'dead-letter', reason, detail } as const,
      follow: [],
    }))
    await this.#store.write(this.#settling, settlements)
  }

  #countByHolder(batch: readonly { readonly claim: Claim }[]): Map<SqliteConsumer, number> {
    const counts = new Map<SqliteConsumer, number>()
    // Each once, however often a batch settles it.
    for (const token of new Set(batch.map(({ claim }) => claim.token))) {
      const consumer = this.#holders.get(token)
      if (consumer !== undefined) counts.set(consumer, (counts.get(consumer) ?? 0) + 1)
    }
    return counts
  }

  #forget(token: number): void {
    const size = this.#sizes.get(token)
    if (size !== undefined) {
      this.#sizes.delete(token)
      this.#holders.get(token)?.releasedBytes(size)
    }
    this.#holders.delete(token)
  }

  readonly #joining: WriteKind<
    { readonly queues: readonly string[]; readonly owner: Owner },
    { readonly queues: readonly number[]; readonly owner: number }
  > = {
    name: 'consume',
    weight: () => 1,
    run: (transaction, items) =>
      items.map(({ queues, owner }) => ({
        queues: queues.map((name) => this.#queues.idOf(transaction, name)),
        owner: registerOwner(transaction, owner, this.#store.machineNow()),
      })),
  }

  readonly #claiming: WriteKind<SqliteConsumer, TokenRange | undefined> = {
    name: 'claim',
    weight: () => 200,
    run: (transaction, consumers) => {
      promoteDue(transaction, promotedAtOnce)
      return consumers.map((consumer) => {
        const count = consumer.capacity(this.#settledIn.get(transaction)?.get(consumer))
        if (count === 0) return undefined
        const queues = claimableQueues(transaction.database, consumer.nextTurn())
        const owner = this.#knownOwner(transaction, consumer)
        return claimReady(transaction, { owner, queues, count, ...consumer.roomInBytes() })
      })
    },
  }

  /** The consumer's number; a new one when it was declared dead while it hung. */
  #knownOwner(transaction: Transaction, consumer: SqliteConsumer): number {
    const now = this.#store.machineNow()
    const owner = this.#owners.get(consumer)
    if (owner === undefined || isKnownOwner(transaction, consumer.owner, now)) return consumer.owner
    const number = registerOwner(transaction, owner, now)
    transaction.onCommit(() => {
      consumer.owner = number
    })
    return number
  }

  readonly #settling: WriteKind<readonly EncodedSettlement[], SettleReply[]> = {
    name: 'settle',
    weight: (batch) => batch.length,
    run: (transaction, items) => {
      const all = items.length === 1 ? items[0]! : items.flat()
      const replies = settleClaims(transaction, this.#queues, all)
      const settlements = all.map(({ settlement }) => settlement)
      const counts = this.#countByHolder(settlements)
      this.#settledIn.set(transaction, counts)
      transaction.onCommit(() => {
        for (const { claim } of settlements) this.#forget(claim.token)
        for (const [consumer, count] of counts) consumer.released(count)
      })
      return inBatches(replies, items)
    },
  }
}

/** The replies of each batch, in order. */
function inBatches(replies: readonly SettleReply[], batches: readonly (readonly unknown[])[]): SettleReply[][] {
  let from = 0
  return batches.map(({ length }) => {
    from += length
    return replies.slice(from - length, from)
  })
}

const leaving: WriteKind<readonly number[], void> = {
  name: 'release claims',
  weight: () => 100,
  run: (transaction, items) => {
    for (const owners of items) for (const owner of owners) removeOwner(transaction, owner)
    return items.map(() => undefined)
  },
}

function givenBack(token: number): EncodedSettlement {
  return { settlement: { claim: { key: token, token, queue: '' }, disposition: 'give-back' }, follow: [] }
}
