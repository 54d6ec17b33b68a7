/** Open while somebody holds it open; workers of a test take deliveries through it. */
export class Gate {
  readonly #listeners = new Set<(isOpen: boolean) => void>()
  #holds = 0

  get isOpen(): boolean {
    return this.#holds > 0
  }

  /** Stays open until what it returns is called, and as long as others hold it. */
  open(): () => void {
    if (++this.#holds === 1) this.#tell()
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      if (--this.#holds === 0) this.#tell()
    }
  }

  /** Told when it opens or closes, until what it returns is called. */
  onChange(listener: (isOpen: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.isOpen)
  }
}
