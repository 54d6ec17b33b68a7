import type { Broker, QueueCounts } from '../broker/broker.ts'

/** One queue of an app: `app.queue('mail')`. */
export class QueueHandle {
  readonly name: string
  readonly #broker: () => Promise<Broker>

  constructor(name: string, broker: () => Promise<Broker>) {
    this.name = name
    this.#broker = broker
  }

  /** Workers take nothing more from it, on every machine, until `resume()`; calls are still stored. */
  async pause(): Promise<void> {
    await (await this.#broker()).admin.pause(this.name)
  }

  async resume(): Promise<void> {
    await (await this.#broker()).admin.resume(this.name)
  }

  async counts(): Promise<QueueCounts> {
    return (await this.#broker()).admin.counts(this.name)
  }

  /** Removes what waits and what is scheduled, not what workers hold; how many there were. */
  async purge(): Promise<number> {
    return (await this.#broker()).admin.purge(this.name)
  }
}
