import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from 'node:fs'

/**
 * A small file beside the store through which processes wake each other: whoever changed something writes a byte to it, whoever waits
 * watches it. A wake may be lost or come for nothing; waiters look by themselves now and then.
 */
export class WakeFile {
  readonly #path: string
  #descriptor: number | undefined
  #watcher: FSWatcher | undefined
  #isClosed = false

  constructor(storePath: string) {
    this.#path = `${storePath}-wake`
  }

  /** Wakes every process that watches. */
  touch(): void {
    try {
      this.#descriptor ??= this.#open()
      // The same byte again: the file does not grow, and the system tells of the write all the same.
      writeSync(this.#descriptor, '.', 0)
    } catch {
      // The change is committed already and the others find it when they look by themselves; the next touch tries a new file.
      this.#closeDescriptor()
    }
  }

  /** Calls back for every wake, several close together perhaps once. Does not keep the process alive. Watching again replaces it. */
  watch(onWake: () => void): void {
    this.unwatch()
    if (this.#isClosed) return
    try {
      closeSync(this.#open())
      const watcher = watch(this.#path, { persistent: false }, (event) => {
        onWake()
        // Someone moved or removed the file: watch the one that is there now.
        if (event === 'rename' && this.#watcher === watcher) this.watch(onWake)
      })
      // Waiters then only look by themselves; nothing is lost.
      watcher.on('error', () => this.unwatch())
      this.#watcher = watcher
    } catch {
      // As above: out of watches or of descriptors, or a folder that can't be written.
    }
  }

  /** False when watching failed or has ended, so that it can be tried again. */
  get isWatching(): boolean {
    return this.#watcher !== undefined
  }

  unwatch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  close(): void {
    this.#isClosed = true
    this.unwatch()
    this.#closeDescriptor()
  }

  /** Not for appending, where Linux ignores the position of a write. */
  #open(): number {
    return openSync(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o600)
  }

  #closeDescriptor(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}
