import { ownIdentity, type ProcessIdentity } from '../../driver/sqlite/process-identity.ts'
import type { SqliteStore } from '../../driver/sqlite/sqlite-store.ts'
import type { WriteKind } from '../../driver/sqlite/write-queue.ts'
import { deadOwners, recoverOwner } from './owner-rows.ts'

/** How often every consuming process looks for dead owners: from half of this to all of it, so that they don't look at once. */
const lookEveryMs = 500

/**
 * Takes back the claims of owners that are dead: at once when their process is gone, else when their lease lapses. Every consuming
 * process does it; whoever is first does it once.
 */
export class OwnerWatch {
  readonly identity: ProcessIdentity = ownIdentity()
  readonly #store: SqliteStore
  readonly #onError: (error: Error) => void
  #cancel: (() => void) | undefined

  constructor(store: SqliteStore, onError: (error: Error) => void) {
    this.#store = store
    this.#onError = onError
  }

  /** Looks now, and then again and again. */
  start(): void {
    if (this.#cancel === undefined) void this.#look() // never rejects, and arms the next look
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  async #look(): Promise<void> {
    let isStopped = false
    this.#cancel = () => {
      isStopped = true
    }
    try {
      const dead = this.#store.readNow('look for dead workers', (database) => deadOwners(database, this.#observer()))
      for (const id of dead) await this.#store.write(this.#recovering, id)
    } catch (error) {
      this.#onError(error instanceof Error ? error : new Error(String(error)))
    }
    if (isStopped) return
    this.#cancel = this.#store.clock.timer(lookEveryMs * (0.5 + Math.random() / 2), () => void this.#look())
  }

  #observer(): { identity: ProcessIdentity; machineNow: number } {
    return { identity: this.identity, machineNow: this.#store.machineNow() }
  }

  readonly #recovering: WriteKind<number, void> = {
    name: 'recover',
    weight: () => 100,
    run: (transaction, items) => items.map((id) => recoverOwner(transaction, id, this.#observer())),
  }
}
