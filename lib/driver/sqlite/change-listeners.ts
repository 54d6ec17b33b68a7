import type { Clock } from '../../base/clock.ts'
import { WakeFile } from './wake-file.ts'
import type { StoreChange } from './write-queue.ts'

/** `anything` when it may have come from another process, or for no reason but the time that passed. */
export type HeardChange = StoreChange | 'anything'
export type ChangeListener = (change: HeardChange) => void

/** How often waiters look without having been woken: a wake may be lost. */
const lookEveryMs = 1_500

/**
 * Tells those who wait in this process of changes: at once of this process' own, through the wake file of others', and every second or
 * two in any case. Costs nothing while nobody listens; nothing in it keeps the process alive.
 */
export class ChangeListeners {
  readonly #clock: Clock
  readonly #wakeFile: WakeFile
  readonly #listeners = new Set<ChangeListener>()
  #cancelLook: (() => void) | undefined
  #isWoken = false

  constructor(storePath: string, clock: Clock) {
    this.#clock = clock
    this.#wakeFile = new WakeFile(storePath)
  }

  /** Stop with what it returns. Listeners must not throw. */
  add(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#listen()
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stopListening()
    }
  }

  /** After a commit of this process. */
  committed(changes: ReadonlySet<StoreChange>): void {
    this.#wakeFile.touch()
    for (const change of changes) this.#tell(change)
  }

  close(): void {
    this.#listeners.clear()
    this.#stopListening()
    this.#wakeFile.close()
  }

  #listen(): void {
    this.#wakeFile.watch(this.#onWake)
    this.#armLook()
  }

  #stopListening(): void {
    this.#wakeFile.unwatch()
    this.#cancelLook?.()
    this.#cancelLook = undefined
  }

  #armLook(): void {
    // Spread, so that many processes don't look at once.
    this.#cancelLook = this.#clock.timer(lookEveryMs * (0.75 + Math.random() / 2), () => {
      if (!this.#wakeFile.isWatching) this.#wakeFile.watch(this.#onWake)
      this.#tell('anything')
      if (this.#listeners.size > 0) this.#armLook()
    })
  }

  readonly #onWake = (): void => {
    if (this.#isWoken) return
    this.#isWoken = true
    // Wakes of many commits that were read together are one.
    setImmediate(() => {
      this.#isWoken = false
      this.#tell('anything')
    })
  }

  #tell(change: HeardChange): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}
