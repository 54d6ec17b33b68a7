import { createInterface } from 'node:readline/promises'
import type { Readable } from 'node:stream'
import { printable } from '../../lib/base/loggable.ts'
import { maskUrl } from '../../lib/base/mask-secrets.ts'
import { JsonSerializer } from '../../lib/message/json-serializer.ts'

/** A stream that is written to; process.stdout fits. */
export interface TextSink {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  /** False for `--no-color`. */
  readonly colour: boolean
  readonly stdout?: TextSink | undefined
  readonly stderr?: TextSink | undefined
  readonly stdin?: (Readable & { readonly isTTY?: boolean | undefined }) | undefined
}

/** Colours by meaning. */
const codes = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const
export type Colour = keyof typeof codes

/**
 * Where a command's answers go: text for people, or one JSON value, on standard output; notes and errors on standard error. Whatever
 * comes from a queue or a task is escaped, so that it can neither move the cursor nor pass for a line of ours.
 */
export class Output {
  readonly json: boolean
  readonly #options: OutputOptions
  readonly #stdout: TextSink
  readonly #stderr: TextSink
  // Values keep what they are as far as JSON can say it: big integers as digits, dates and bytes as kombu's pairs.
  readonly #serializer = new JsonSerializer({ typedValues: 'kombu', maxDepth: 1000 })

  constructor(options: OutputOptions) {
    this.json = options.json
    this.#options = options
    this.#stdout = options.stdout ?? process.stdout
    this.#stderr = options.stderr ?? process.stderr
  }

  /** One line for people; nothing with `--json`. Texts from elsewhere must have passed {@link shown}. */
  line(text = ''): void {
    if (!this.json) this.#stdout.write(`${text}\n`)
  }

  /** The answer as a value; nothing without `--json`. */
  value(value: unknown): void {
    if (this.json) this.#stdout.write(`${this.asJson(value)}\n`)
  }

  /** What a person may want to know beside the answer; on standard error. */
  note(text: string): void {
    if (!this.#options.quiet) this.#stderr.write(`${this.paint('dim', shown(text), this.#stderr)}\n`)
  }

  /** What went wrong, and with `--json` as JSON; on standard error. */
  error(message: string, code?: string): void {
    const masked = maskUrl(message)
    if (this.json) this.#stderr.write(`${JSON.stringify({ error: { code: code ?? null, message: masked } })}\n`)
    else {
      const text = masked.split('\n').map(shown).join('\n')
      this.#stderr.write(`${this.paint('red', 'error:', this.#stderr)} ${text}\n`)
    }
  }

  /** Columns as wide as their widest cell; cells are escaped. Numbers stand to the right. */
  table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    const cells = rows.map((row) => row.map((cell) => shown(String(cell))))
    const widths = heads.map((head, column) => Math.max(head.length, ...cells.map((row) => row[column]!.length)))
    const isNumber = heads.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
    const pad = (row: readonly string[]): string =>
      row
        .map((cell, column) => (isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd()
    this.line(this.paint('bold', pad(heads)))
    for (const row of cells) this.line(pad(row))
  }

  /** The text in a colour, where the output has colours. */
  paint(colour: Colour, text: string, sink: TextSink = this.#stdout): string {
    const isColoured =
      this.#options.colour && sink.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
    return isColoured ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text
  }

  /** Any value as JSON on one line. Errors and other things that JSON lacks are their text. */
  asJson(value: unknown): string {
    try {
      return this.#serializer.encode(value)
    } catch {
      return JSON.stringify(String(value))
    }
  }

  /** True where a person can be asked something. */
  get canAsk(): boolean {
    return !this.json && this.#stdin.isTTY === true && this.#stdout.isTTY === true
  }

  /** Asks for a yes; anything else, and Ctrl-C, is a no. */
  async confirm(question: string, signal: AbortSignal): Promise<boolean> {
    this.#stdout.write(`${question} [y/N] `)
    const reader = createInterface({ input: this.#stdin })
    try {
      const answer = await reader.question('', { signal })
      return /^y(es)?$/i.test(answer.trim())
    } catch {
      return false // the signal: Ctrl-C is a no
    } finally {
      reader.close()
    }
  }

  get #stdin() {
    return this.#options.stdin ?? process.stdin
  }
}

/** Text from a queue, a task or a user, fit for a terminal: escaped, and cut at 2,000 characters. */
export function shown(text: string): string {
  return printable(text.length > 2000 ? `${text.slice(0, 2000)}…` : text)
}
