import type {
  Broker,
  BrokerCapabilities,
  ConsumeOptions,
  Consumer,
  Outgoing,
  Settlement,
  SettleReply,
} from '../../lib/broker/broker.ts'
import type { ResultBackend } from '../../lib/result/result-backend.ts'
import type { StoredRecord } from '../../lib/result/result-record.ts'

/** A broker that keeps nothing: it writes down what it is asked, in order, and answers as the test says. */
export class StubBroker implements Broker {
  readonly capabilities: BrokerCapabilities
  readonly store: string
  /** Every call, as `publish 2`, `settle 3`, `keep 1`. */
  readonly calls: string[] = []
  readonly settled: Settlement[][] = []
  readonly published: Outgoing[][] = []
  readonly kept: StoredRecord[][] = []
  readonly consuming: { queues: readonly string[]; options: ConsumeOptions; consumer: StubConsumer }[] = []
  /** Thrown by the next calls of that name, one each. */
  readonly failures: Record<'settle' | 'publish' | 'keep', Error[]> = { settle: [], publish: [], keep: [] }
  /** Throws to refuse a batch; called before it counts as done. */
  check: (batch: readonly Settlement[]) => void = () => {}
  reply: (settlement: Settlement) => SettleReply = () => 'settled'

  constructor(options: { settlesResults?: boolean; store?: string } = {}) {
    const { settlesResults = true, store = 'stub:1' } = options
    this.store = store
    this.capabilities = { settlesResults, priorityOrder: 'none', durable: false, sharedByProcesses: false }
  }

  /** A result backend on the same store, or on another one. */
  backend(store = this.store): ResultBackend {
    return {
      capabilities: { keepsResults: true, sharedByProcesses: false },
      store,
      start: async () => {},
      stop: async () => {},
      keep: async (records) => {
        this.#note('keep', records.length)
        this.kept.push([...records])
      },
      fetch: async (ids) => ids.map(() => ({ kind: 'absent' })),
      watch: () => () => {},
      forget: async () => {},
    }
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async declare(): Promise<void> {}
  async flush(): Promise<void> {}
  async broadcast(): Promise<void> {}
  async subscribe(): Promise<never> {
    throw new Error('a stub broadcasts nothing')
  }
  get admin(): never {
    throw new Error('a stub has no queues')
  }

  async publish(messages: readonly Outgoing[]): Promise<void> {
    this.#note('publish', messages.length)
    this.published.push([...messages])
  }

  async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    this.#note('settle', batch.length)
    this.check(batch)
    this.settled.push([...batch])
    return batch.map((settlement) => this.reply(settlement))
  }

  async consume(queues: readonly string[], options: ConsumeOptions): Promise<Consumer> {
    const consumer = new StubConsumer()
    this.consuming.push({ queues, options, consumer })
    return consumer
  }

  #note(what: 'settle' | 'publish' | 'keep', count: number): void {
    this.calls.push(`${what} ${count}`)
    const failure = this.failures[what].shift()
    if (failure !== undefined) throw failure
  }
}

/** What {@link StubBroker.consume} gives. */
export class StubConsumer implements Consumer {
  readonly prefetches: number[] = []
  readonly lease = undefined
  readonly unsettled = 0
  readonly lastRoundTrip = 0
  isStopped = false
  /** Called while it stops, as a claim under way may still bring something. */
  onStop: () => void = () => {}

  async start(): Promise<void> {}
  async stop(): Promise<void> {
    this.onStop()
    this.isStopped = true
  }
  setPrefetch(prefetch: number): void {
    this.prefetches.push(prefetch)
  }
}
