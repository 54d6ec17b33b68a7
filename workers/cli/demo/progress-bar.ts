import type { DemoProgress } from './run-demo.ts'

const width = 30
// More often than that nobody can read it, and every draw costs a write.
const drawEveryMs = 80

/** A line that is drawn over itself, on a terminal only. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream
  readonly #isShown: boolean
  #drawnAt = Number.NEGATIVE_INFINITY

  constructor(stream: NodeJS.WriteStream, isShown: boolean) {
    this.#stream = stream
    this.#isShown = isShown && stream.isTTY
  }

  show(progress: DemoProgress): void {
    const nowMs = progress.seconds * 1000
    const isDue = nowMs - this.#drawnAt >= drawEveryMs || progress.done === progress.total
    if (!this.#isShown || !isDue) return
    this.#drawnAt = nowMs
    this.#stream.write(`\r${barText(progress)}\u001b[K`)
  }

  /** Removes the line. */
  end(): void {
    if (this.#isShown && Number.isFinite(this.#drawnAt)) this.#stream.write('\r\u001b[K')
  }
}

/** `[#####     ] 50/100 files, 1,234/s`. Pure. */
export function barText({ done, total, seconds }: DemoProgress): string {
  const filled = total === 0 ? width : Math.floor((done / total) * width)
  const rate = seconds > 0 ? Math.round(done / seconds) : 0
  return `[${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${done.toLocaleString('en')}/${total.toLocaleString('en')} files, ${rate.toLocaleString('en')}/s`
}
