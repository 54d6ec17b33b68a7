import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../../lib/base/clock.ts'
import type { Logger } from '../../lib/base/logger.ts'

/** What a process uses, bytes. */
export interface MemoryUse {
  /** All of it that is in memory. */
  readonly rss: number
  /** JavaScript values, garbage included. */
  readonly heap: number
}

export interface MemoryWatchParts {
  readonly clock: Clock
  /** Above any of them memory is short; undefined where it never is. */
  readonly marks: MemoryUse | undefined
  readonly use: () => MemoryUse
  /** Memory has become short, or is so no more. */
  readonly onChange: (isShort: boolean, use: MemoryUse) => void
}

/** How often it is looked at least, while tasks start or memory is short. */
const lookEveryMs = 250
/** So many bytes of messages started since the last look are a reason for another. */
const lookEveryBytes = 1024 * 1024
/** Zlib packs a thousand bytes into one, so that compressed messages are looked at apart. */
const packing = 1000
/** Below this share of the marks, memory is short no more. */
const enough = 0.9

/** Tells when memory runs short: looks before messages are decoded, since the small bytes of a few can become a heap full of values. */
export class MemoryWatch {
  readonly #parts: MemoryWatchParts
  #isShort = false
  #lookedAt = Number.NEGATIVE_INFINITY
  #bytes = 0
  #cancel: (() => void) | undefined

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Whether memory is short, asked before a message of that size is started. */
  isShort(bytes: number, isCompressed: boolean): boolean {
    const { clock, marks } = this.#parts
    if (marks === undefined) return false
    this.#bytes += isCompressed ? bytes * packing : bytes
    if (this.#bytes >= lookEveryBytes || clock.monotonic() - this.#lookedAt >= lookEveryMs) this.#look(marks)
    return this.#isShort
  }

  #look(marks: MemoryUse): void {
    const { clock, use, onChange } = this.#parts
    this.#bytes = 0
    this.#lookedAt = clock.monotonic()
    const now = use()
    const share = this.#isShort ? enough : 1
    const isShort = now.rss > marks.rss * share || now.heap > marks.heap * share
    if (isShort) this.#lookAgain(marks)
    if (isShort === this.#isShort) return
    this.#isShort = isShort
    onChange(isShort, now)
  }

  /** Nothing may start while memory is short, so that nobody asks. */
  #lookAgain(marks: MemoryUse): void {
    this.#cancel?.()
    this.#cancel = this.#parts.clock.timer(lookEveryMs, () => this.#look(marks))
  }
}

/** What this process uses. */
export function memoryUse(): MemoryUse {
  return { rss: residentBytes(), heap: getHeapStatistics().used_heap_size }
}

function residentBytes(): number {
  try {
    return process.memoryUsage.rss()
  } catch {
    return 0 // it is read from a file, and there may be no descriptor left for one: the heap alone tells then
  }
}

/**
 * Where memory is short by `workerMemoryWatermark`.
 * @param watermark bytes; null is 80 % of what the process may have: its container's limit, or the machine's memory. 0 is no limit
 */
export function memoryMarks(watermark: number | null): MemoryUse | undefined {
  if (watermark === 0) return undefined
  // Without a limit it is 0, or a number that no machine has.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY
  return { rss: watermark ?? 0.8 * Math.min(limit, totalmem()), heap: 0.7 * getHeapStatistics().heap_size_limit }
}

/** Logs that memory has become short, or is so no more. */
export function tellMemory(logger: Logger, isShort: boolean, use: MemoryUse): void {
  const mebibytes = { rss: Math.round(use.rss / 2 ** 20), heap: Math.round(use.heap / 2 ** 20) }
  if (isShort)
    logger.warn(
      { mebibytes },
      'Memory is short. Until less is in use, one message is taken at a time. Lower the concurrency, or see workerMemoryWatermark.',
    )
  else logger.info({ mebibytes }, 'Memory is no longer short.')
}
