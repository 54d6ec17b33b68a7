/** A task as the board shows it. */
export interface BoardEntry {
  readonly id: string
  readonly task: string
  /** Its hard time limit; undefined when it has none. */
  readonly limitMs: number | undefined
}

const entries = 128
const idBytes = 48
const nameBytes = 112
const entryBytes = 16 + idBytes + nameBytes
const headerBytes = 16

// Words of the header.
const beats = 0
const calling = 1
// Words of an entry.
const isRunning = 0
const limit = 1
const idLength = 2
const nameLength = 3

/**
 * What runs in the main thread, in memory shared with the lease thread, which must be able to say it while the main thread is blocked.
 * Shows the first 128 tasks that run at a time. Writing costs about 0.2 us a task; nothing is allocated.
 */
export class TaskBoard {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #bytes: Buffer
  readonly #free = Array.from({ length: entries }, (_, index) => entries - 1 - index)
  /** The name that stands in an entry already, so that it need not be written again. */
  readonly #names: string[] = []

  /** @param memory another thread's board; left out, a new one */
  constructor(memory = new SharedArrayBuffer(headerBytes + entries * entryBytes)) {
    this.memory = memory
    this.#words = new Int32Array(memory)
    this.#bytes = Buffer.from(memory)
  }

  /** Says that the event loop turns. */
  beat(): void {
    Atomics.add(this.#words, beats, 1)
  }

  /** Changes with every beat. */
  get beats(): number {
    return Atomics.load(this.#words, beats)
  }

  /** Shows a task. @returns its mark, -1 when the board is full */
  add(id: string, task: string, limitMs: number | undefined): number {
    const mark = this.#free.pop()
    if (mark === undefined) return -1
    const at = headerBytes + mark * entryBytes
    const word = at / 4
    this.#words[word + limit] = limitMs === undefined ? 0 : Math.max(1, Math.min(limitMs, 2 ** 31 - 1))
    this.#words[word + idLength] = this.#bytes.write(id, at + 16, idBytes)
    if (this.#names[mark] !== task) {
      this.#words[word + nameLength] = this.#bytes.write(task, at + 16 + idBytes, nameBytes)
      this.#names[mark] = task
    }
    this.#words[word + isRunning] = 1
    return mark
  }

  remove(mark: number): void {
    if (mark < 0) return
    this.#words[(headerBytes + mark * entryBytes) / 4 + isRunning] = 0
    this.#free.push(mark)
  }

  /** The task's function is entered: until {@link left}, it is the one that keeps the loop from turning. */
  entered(mark: number): void {
    this.#words[calling] = mark + 1
  }

  left(): void {
    this.#words[calling] = 0
  }

  /** The task whose function has been entered and hasn't returned or awaited yet. */
  get called(): BoardEntry | undefined {
    const mark = this.#words[calling]! - 1
    return mark >= 0 ? this.#read(mark) : undefined
  }

  running(): BoardEntry[] {
    const found: BoardEntry[] = []
    for (let mark = 0; mark < entries; mark++)
      if (this.#words[(headerBytes + mark * entryBytes) / 4 + isRunning] === 1) found.push(this.#read(mark))
    return found
  }

  #read(mark: number): BoardEntry {
    const at = headerBytes + mark * entryBytes
    const word = at / 4
    const limitMs = this.#words[word + limit]!
    const nameAt = at + 16 + idBytes
    return {
      id: this.#bytes.toString('utf8', at + 16, at + 16 + this.#words[word + idLength]!),
      task: this.#bytes.toString('utf8', nameAt, nameAt + this.#words[word + nameLength]!),
      limitMs: limitMs > 0 ? limitMs : undefined,
    }
  }
}
