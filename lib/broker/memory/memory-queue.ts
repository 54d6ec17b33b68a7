import type { DeliveryHistory } from '../delivery-history.ts'
import { BinaryHeap } from './binary-heap.ts'

/** One message in one queue. */
export interface MemoryEntry {
  readonly id: number
  readonly queue: MemoryQueue
  readonly envelope: string
  readonly priority: number
  /** Its place among those of its priority; kept by a message that is given back. */
  position: number
  /** Undefined while it was never delivered, or is to be as if it weren't. */
  history: DeliveryHistory | undefined
  /** The due time of a parked one. */
  due: number
}

/** What waits in one queue, in the order of claiming: by priority, then by position. */
export class MemoryQueue {
  readonly name: string
  isPaused = false
  /** Kept elsewhere until their due time. */
  scheduled = 0
  claimed = 0
  #size = 0
  readonly #lanes = new Map<number, Lane>()
  #priorities: number[] = []

  constructor(name: string) {
    this.name = name
  }

  get size(): number {
    return this.#size
  }

  /** At the end: its position is the highest so far. */
  append(entry: MemoryEntry): void {
    this.#laneOf(entry.priority).append(entry)
    this.#size++
  }

  /** Where it was before, which is in front of everything that was never claimed. */
  giveBack(entry: MemoryEntry): void {
    this.#laneOf(entry.priority).giveBack(entry)
    this.#size++
  }

  /** What waits, in no order. */
  *entries(): IterableIterator<MemoryEntry> {
    for (const lane of this.#lanes.values()) yield* lane.entries()
  }

  /** What {@link take} would give. */
  peek(): MemoryEntry | undefined {
    for (const priority of this.#priorities) {
      const entry = this.#lanes.get(priority)!.peek()
      if (entry !== undefined) return entry
    }
    return undefined
  }

  take(): MemoryEntry | undefined {
    for (const priority of this.#priorities) {
      const entry = this.#lanes.get(priority)!.take()
      if (entry === undefined) continue
      this.#size--
      return entry
    }
    return undefined
  }

  /** Removes everything that waits; how many. */
  clear(): number {
    const removed = this.#size
    this.#lanes.clear()
    this.#priorities = []
    this.#size = 0
    return removed
  }

  #laneOf(priority: number): Lane {
    let lane = this.#lanes.get(priority)
    if (lane === undefined) {
      lane = new Lane()
      this.#lanes.set(priority, lane)
      this.#priorities = [...this.#lanes.keys()].sort((a, b) => a - b)
    }
    return lane
  }
}

/** A line and, before it, what was given back. Every step costs the same for any length, on the average. */
class Lane {
  readonly #front = new BinaryHeap<MemoryEntry>((a, b) => a.position < b.position)
  #line: MemoryEntry[] = []
  #head = 0

  append(entry: MemoryEntry): void {
    this.#line.push(entry)
  }

  giveBack(entry: MemoryEntry): void {
    this.#front.push(entry)
  }

  *entries(): IterableIterator<MemoryEntry> {
    yield* this.#front.items()
    yield* this.#line.slice(this.#head)
  }

  peek(): MemoryEntry | undefined {
    return this.#front.peek() ?? this.#line[this.#head]
  }

  take(): MemoryEntry | undefined {
    const returned = this.#front.pop()
    if (returned !== undefined) return returned
    const entry = this.#line[this.#head]
    if (entry === undefined) return undefined
    this.#head++
    // Frees what was taken once it is half of the line: each entry is then moved once at most.
    if (this.#head >= 1024 && this.#head * 2 >= this.#line.length) {
      this.#line = this.#line.slice(this.#head)
      this.#head = 0
    }
    return entry
  }
}
