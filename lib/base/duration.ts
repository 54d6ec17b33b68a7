import { InvalidCall } from './errors.ts'

/** A length of time: a number of seconds where Celery has the option, or a number with its unit. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`
/** The written form alone, for waits that Celery does not have. */
export type WrittenDuration = Exclude<Duration, number>

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A duration in whole milliseconds. Numbers are seconds; text has a unit (`'250ms' '10s' '1.5m' '2h' '1d'`), no sign, no exponent, no space.
 * @param what what the duration is for, as the error shall name it: `countdown`, `timeLimit of task "math.add"`
 * @throws {InvalidCall} when it is neither
 */
export function durationMs(value: Duration, what: string): number {
  if (typeof value === 'number') {
    if (Number.isFinite(value) && value >= 0) return Math.round(value * 1000)
    throw new InvalidCall(`${what} must be a number of seconds, 0 or more, not ${value}. Write 10 or '10s'.`)
  }
  return writtenDurationMs(value, what)
}

/**
 * As {@link durationMs}, for places where only the written form is taken (`get`, `stop`, waits).
 * @throws {InvalidCall}
 */
export function writtenDurationMs(value: unknown, what: string): number {
  const parts = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null
  if (parts !== null) return Math.round(Number(parts[1]) * unitMs[parts[2]!]!)
  const given = typeof value === 'string' ? `'${value.slice(0, 40)}'` : String(value)
  const hint = typeof value === 'number' ? ` A bare number has no unit here: write '${value}s' or '${value}ms'.` : ''
  throw new InvalidCall(`${what} must be a duration such as '250ms', '10s', '5m', '2h' or '1d', not ${given}.${hint}`)
}

/**
 * A time limit in milliseconds; a bare number over 86,400 is refused, since it was most likely meant in milliseconds.
 * @throws {InvalidCall}
 */
export function limitMs(value: Duration, what: string): number {
  if (typeof value === 'number' && value > 86_400)
    throw new InvalidCall(
      `${what}: ${value} seconds is over a day; did you mean milliseconds? Write '${value}ms', or '${value}s' if it is right.`,
    )
  return durationMs(value, what)
}
