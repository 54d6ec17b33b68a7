import type { Clock } from '../../lib/base/clock.ts'
import type { Service } from '../../lib/base/service.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { controlTopic, readRevoke, revokedFor, revokedIndex } from '../../lib/control/revocation.ts'
import type { StateStore } from '../../lib/state/state-store.ts'

export interface RevokedTasksParts {
  readonly clock: Clock
  readonly broker: Broker
  readonly stateStore: StateStore
  /** Called for each id that is revoked with `terminate`; ends it if it runs here. */
  readonly terminate: (id: string) => void
}

/** The ids that this worker must not run: those remembered when it started, and those it was told of since. */
export class RevokedTasks implements Service {
  readonly #parts: RevokedTasksParts
  /** id → when it may be forgotten, oldest first. */
  readonly #until = new Map<string, number>()
  #subscription: Service | undefined

  constructor(parts: RevokedTasksParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { broker, stateStore, clock, terminate } = this.#parts
    // Listening first: what is revoked between the two is then heard or read, at worst both.
    this.#subscription = await broker.subscribe(controlTopic, (message) => {
      const command = readRevoke(message)
      if (command === undefined) return
      for (const id of command.ids) {
        this.#add(id, clock.now() + revokedFor.ms)
        if (command.terminate) terminate(id)
      }
    })
    const remembered = await stateStore.indexRange(revokedIndex, { from: clock.now(), limit: revokedFor.ids })
    for (const { member, score } of remembered) this.#add(member, score)
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop()
    this.#subscription = undefined
  }

  has(id: string): boolean {
    if (this.#until.size === 0) return false
    const until = this.#until.get(id)
    return until !== undefined && until > this.#parts.clock.now()
  }

  #add(id: string, until: number): void {
    this.#until.delete(id)
    this.#until.set(id, until)
    const [oldest] = this.#until.keys()
    if (this.#until.size > revokedFor.ids && oldest !== undefined) this.#until.delete(oldest)
  }
}
