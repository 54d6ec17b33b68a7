import type { Clock } from '../../base/clock.ts'
import { Closed } from '../../base/errors.ts'
import type { Service } from '../../base/service.ts'
import { openSqliteStore, type SqliteStore } from '../../driver/sqlite/sqlite-store.ts'
import type { WriteKind } from '../../driver/sqlite/write-queue.ts'
import type { WireMessage } from '../../message/wire-message.ts'
import type {
  Broker,
  BrokerAdmin,
  BrokerCapabilities,
  ConsumeOptions,
  Consumer,
  Outgoing,
  Settlement,
  SettleReply,
} from '../broker.ts'
import type { Queue } from '../queue.ts'
import { type EncodedMessage, encodeMessages, insertMessages } from './message-rows.ts'
import { QueueTable } from './queue-table.ts'
import { SqliteAdmin } from './sqlite-admin.ts'
import { SqliteClaims } from './sqlite-claims.ts'
import { SqliteTopics, sweepBroadcasts } from './sqlite-topics.ts'

export interface SqliteBrokerOptions {
  readonly path: string
  readonly clock: Clock
  /** `full` survives a power cut, `normal` the end of every process. @default normal */
  readonly synchronous?: 'normal' | 'full' | undefined
  /** How long anything waits for other processes' locks before it is refused, ms. @default 10_000 */
  readonly publishTimeoutMs?: number | undefined
}

/** Messages in one file that all processes of this machine share; nothing to install, nothing to run. */
export class SqliteBroker implements Broker {
  readonly capabilities: BrokerCapabilities = {
    settlesResults: true,
    priorityOrder: 'lowest-first',
    durable: true,
    sharedByProcesses: true,
  }
  readonly store: string
  readonly admin: BrokerAdmin
  readonly #store: SqliteStore
  readonly #queues = new QueueTable()
  readonly #topics: SqliteTopics
  readonly #claims: SqliteClaims
  #stopTidying: (() => void) | undefined
  #isStopped = false

  constructor({ path, clock, synchronous, publishTimeoutMs }: SqliteBrokerOptions) {
    this.#store = openSqliteStore({ path, clock, synchronous, timeoutMs: publishTimeoutMs })
    this.store = this.#store.name
    this.#topics = new SqliteTopics(this.#store)
    this.#claims = new SqliteClaims(this.#store, this.#queues)
    this.admin = new SqliteAdmin(this.#store, this.#queues, (what) => this.#refuseStopped(what))
  }

  /** @throws {StoreUnusable, StoreFull, NoDriver, BrokerUnavailable} when the file can't be opened */
  async start(): Promise<void> {
    this.#refuseStopped('start')
    await this.#store.open()
    this.#stopTidying ??= this.#store.keepTidy(sweepBroadcasts)
  }

  /** What is still claimed here goes back to its queues at once, as after the end of the process. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#topics.close()
    this.#stopTidying?.()
    await this.#claims.stop()
    await this.#store.release()
  }

  async declare(queues: readonly Queue[]): Promise<void> {
    this.#refuseStopped('declare queues')
    if (queues.length > 0) await this.#store.write(this.#declaring, queues)
  }

  async publish(messages: readonly Outgoing[]): Promise<void> {
    this.#refuseStopped('publish')
    const encoded = encodeMessages(messages, this.#store.clock.now())
    if (encoded.length > 0) await this.#store.write(this.#publishing, encoded)
  }

  async consume(queues: readonly string[], options: ConsumeOptions): Promise<Consumer> {
    this.#refuseStopped('consume')
    return this.#claims.consume(queues, options)
  }

  async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    this.#refuseStopped('settle')
    return batch.length === 0 ? [] : this.#claims.settle(batch)
  }

  async flush(): Promise<void> {
    await this.#store.drain()
  }

  async broadcast(topic: string, message: WireMessage): Promise<void> {
    this.#refuseStopped('broadcast')
    await this.#topics.broadcast(topic, message)
  }

  async subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service> {
    this.#refuseStopped('subscribe')
    return this.#topics.subscribe(topic, onMessage)
  }

  #refuseStopped(what: string): void {
    if (this.#isStopped) throw new Closed(`Cannot ${what} in ${this.store}: this broker was closed.`)
  }

  readonly #publishing: WriteKind<readonly EncodedMessage[], void> = {
    name: 'publish',
    weight: (messages) => messages.length,
    run: (transaction, items) => {
      insertMessages(transaction, this.#queues, items.length === 1 ? items[0]! : items.flat())
      return items.map(() => undefined)
    },
  }

  readonly #declaring: WriteKind<readonly Queue[], void> = {
    name: 'declare queues',
    weight: (queues) => queues.length,
    run: (transaction, items) => items.map((queues) => this.#queues.declare(transaction, queues)),
  }
}
