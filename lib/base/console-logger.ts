import { type Clock, systemClock } from './clock.ts'
import { type LoggedValue, loggable, printable } from './loggable.ts'
import { type Logger, type LogLevel, logLevels } from './logger.ts'
import { maskUrl } from './mask-secrets.ts'

export interface ConsoleLoggerOptions {
  /** The least important level that is written. @default 'info' */
  readonly level?: LogLevel | undefined
  /** Where lines go. @default process.stderr */
  readonly stream?: LogStream | undefined
  /** Lines for people instead of JSON. @default whether the stream is a terminal */
  readonly pretty?: boolean | undefined
  /** With `pretty`. @default whether the stream is a terminal with colours and NO_COLOR is not set */
  readonly colour?: boolean | undefined
  readonly clock?: Clock | undefined
}

/** What the logger needs of a stream. */
export interface LogStream {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

// pino's numbers, so that its tools read our lines.
const levelNumbers: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
}
const levelColours: Readonly<Record<LogLevel, string>> = {
  trace: '90',
  debug: '90',
  info: '36',
  warn: '33',
  error: '31',
  fatal: '1;31',
}
const maxMessageLength = 4096

/**
 * The logger of whoever brings none: JSON lines of pino's shape, or lines for people on a terminal. Whatever it is given, it never throws
 * and writes one record: control characters and terminal escapes are escaped, secrets masked, long texts and deep or wide values cut,
 * errors shown with stack and cause.
 */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  const stream = options.stream ?? process.stderr
  const pretty = options.pretty ?? stream.isTTY === true
  const clock = options.clock ?? systemClock
  const format = pretty ? prettyLine(options.colour ?? (stream.isTTY === true && !process.env['NO_COLOR'])) : jsonLine
  return makeLogger({}, logLevels.indexOf(options.level ?? 'info'), (level, fields, message) =>
    stream.write(format({ level, time: clock.now(), fields, message: message.slice(0, maxMessageLength) })),
  )
}

type Write = (level: LogLevel, fields: Readonly<Record<string, LoggedValue>>, message: string) => void

interface LogRecord {
  readonly level: LogLevel
  /** ms since the epoch. */
  readonly time: number
  readonly fields: Readonly<Record<string, LoggedValue>>
  readonly message: string
}

function makeLogger(bound: Readonly<Record<string, LoggedValue>>, lowest: number, write: Write): Logger {
  const at = (level: LogLevel) => {
    if (logLevels.indexOf(level) < lowest) return () => {}
    return (fields: object, message?: string): void =>
      write(level, { ...bound, ...fieldsOf(fields) }, messageOf(fields, message))
  }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    isLevelEnabled: (level) => logLevels.indexOf(level) >= lowest,
    child: (fields) => makeLogger({ ...bound, ...fieldsOf(fields) }, lowest, write),
  }
}

function fieldsOf(fields: unknown): Record<string, LoggedValue> {
  const shown = loggable(fields instanceof Error ? { err: fields } : fields)
  return typeof shown === 'object' && shown !== null && !Array.isArray(shown) ? shown : {}
}

// pino also takes a text alone, or an error alone, whose message then is the record's.
function messageOf(fields: unknown, message: string | undefined): string {
  if (typeof message === 'string') return maskUrl(message)
  if (typeof fields === 'string') return maskUrl(fields)
  return fields instanceof Error ? maskUrl(fields.message) : ''
}

function jsonLine({ level, time, fields, message }: LogRecord): string {
  // Twice, so that they come first and a field of one of these names can't pass for the record's own.
  const own = { level: levelNumbers[level], time, pid: process.pid }
  const record = { ...own, ...fields, ...own, ...(message === '' ? {} : { msg: message }) }
  return `${printable(JSON.stringify(record))}\n`
}

function prettyLine(colour: boolean): (record: LogRecord) => string {
  const paint = (codes: string, text: string): string => (colour ? `\u001b[${codes}m${text}\u001b[0m` : text)
  return ({ level, time, fields, message }) => {
    const clockTime = new Date(time).toISOString().slice(11, 23)
    const parts = [
      paint('90', clockTime),
      paint(levelColours[level], level.toUpperCase().padEnd(5)),
      printable(message),
    ]
    const stacks: string[] = []
    for (const [name, value] of Object.entries(fields)) {
      if (isLoggedError(value)) stacks.push(...stackLines(value))
      else
        parts.push(
          paint(
            '90',
            `${printable(name)}=${printable(typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))}`,
          ),
        )
    }
    return [
      parts.filter((part) => part !== '').join(' '),
      ...stacks.map((line) => paint('90', `    ${line}`)),
      '',
    ].join('\n')
  }
}

interface LoggedError {
  readonly type: string
  readonly stack: string
  readonly cause?: LoggedValue
}

function isLoggedError(value: LoggedValue | undefined): value is LoggedValue & LoggedError {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && typeof value['stack'] === 'string'
}

function stackLines(error: LoggedError): string[] {
  const lines = error.stack.split('\n').map(printable)
  if (error.cause === undefined) return lines
  const cause = isLoggedError(error.cause) ? stackLines(error.cause) : [printable(JSON.stringify(error.cause))]
  return [...lines, `caused by: ${cause[0]}`, ...cause.slice(1)]
}
