import type { BrokerAdmin, DeadLetter, QueueCounts } from '../broker.ts'
import type { MemoryConsumer } from './memory-consumer.ts'
import type { MemoryMessages } from './memory-messages.ts'

export interface MemoryAdminParts {
  /** Something may be there to claim. */
  readonly onChanged: () => void
  readonly refuseStopped: (what: string) => void
}

/** What operators do with queues in memory. */
export class MemoryAdmin implements BrokerAdmin {
  readonly #messages: MemoryMessages<MemoryConsumer>
  readonly #parts: MemoryAdminParts

  constructor(messages: MemoryMessages<MemoryConsumer>, parts: MemoryAdminParts) {
    this.#messages = messages
    this.#parts = parts
  }

  async queues(): Promise<QueueCounts[]> {
    this.#parts.refuseStopped('list queues')
    return this.#messages.counts()
  }

  async counts(queue: string): Promise<QueueCounts> {
    const all = await this.queues()
    const empty: QueueCounts = { queue, waiting: 0, scheduled: 0, claimed: 0, dead: 0, paused: false }
    return all.find((counts) => counts.queue === queue) ?? empty
  }

  async purge(queue: string): Promise<number> {
    this.#parts.refuseStopped('purge a queue')
    return this.#messages.purge(queue)
  }

  async pause(queue: string): Promise<void> {
    this.#parts.refuseStopped('pause a queue')
    this.#messages.queue(queue).isPaused = true
  }

  async resume(queue: string): Promise<void> {
    this.#parts.refuseStopped('resume a queue')
    this.#messages.queue(queue).isPaused = false
    this.#parts.onChanged()
  }

  async deadLetters(
    filter: { queue?: string | undefined; limit?: number | undefined; after?: string | undefined } = {},
  ): Promise<DeadLetter[]> {
    this.#parts.refuseStopped('list dead letters')
    const { queue, limit = Infinity, after = '0' } = filter
    return this.#messages
      .deadLetters()
      .filter((letter) => (queue === undefined || letter.queue === queue) && Number(letter.id) > Number(after))
      .slice(0, limit)
  }

  async deadLetter(id: string): Promise<DeadLetter | undefined> {
    return (await this.deadLetters()).find((letter) => letter.id === id)
  }

  async replayDead(ids: readonly string[]): Promise<number> {
    this.#parts.refuseStopped('replay dead letters')
    const count = ids.filter((id) => this.#messages.replayDead(id)).length
    this.#parts.onChanged()
    return count
  }

  async dropDead(ids: readonly string[]): Promise<number> {
    this.#parts.refuseStopped('drop dead letters')
    return ids.filter((id) => this.#messages.dropDead(id)).length
  }
}
