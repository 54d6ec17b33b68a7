import { type Duration, durationMs, limitMs, writtenDurationMs } from '../base/duration.ts'
import { printable } from '../base/loggable.ts'
import { isSecretName, maskUrl } from '../base/mask-secrets.ts'
import { nearestName } from '../base/nearest-name.ts'

/** What values a setting takes: how a wrong one is refused, and what becomes of a right one. */
export interface SettingKind {
  /** Follows "must be": `a whole number from 1 to 255`. */
  readonly says: string
  /** What is wrong, each a phrase that follows the setting's name (`must be …, not …`); empty when the value is right. */
  check(value: unknown, name: string): string[]
  /** A checked value as the library uses it. Durations become ms. */
  resolve(value: unknown): unknown
  /** The text of an environment variable as a value to check; absent where no text can say it. */
  readonly fromText?: ((text: string) => unknown) | undefined
  /** The resolved setting is called `<name>Ms`. */
  readonly isDuration?: boolean | undefined
}

/** A wrong value as an error may show it: short, on one line, secrets masked. */
export function shownValue(value: unknown, name = ''): string {
  if (isSecretName(name)) return '********'
  if (typeof value === 'string') return `'${maskUrl(clean(value))}'`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value instanceof Date) return 'a Date'
  return 'an object'
}

/** Text as an error may show it: short, nothing in it that a terminal could act on. */
export function clean(text: string): string {
  return printable(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

const asIs = (value: unknown): unknown => value

/** A kind that is told by one test. */
export function kind(says: string, isRight: (value: unknown) => boolean, more: Partial<SettingKind> = {}): SettingKind {
  return {
    says,
    check: (value, name) => (isRight(value) ? [] : [`must be ${says}, not ${shownValue(value, name)}`]),
    resolve: asIs,
    ...more,
  }
}

/** `true` or `false`; also `1`, `0`, `yes`, `no`, `on`, `off` in the environment. */
export const flag = kind('true or false', (value) => typeof value === 'boolean', {
  fromText: (text) =>
    ({ true: true, 1: true, yes: true, on: true, false: false, 0: false, no: false, off: false })[text.toLowerCase()] ??
    text,
})

/** Any text but the empty one. */
export const text = kind('a text that is not empty', (value) => typeof value === 'string' && value !== '', {
  fromText: asIs,
})

/** A whole number within bounds. @param unit what it counts, for the error: `bytes` */
export function whole(min: number, max: number, unit = ''): SettingKind {
  const says = `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`
  return kind(says, (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max, {
    fromText: numberFromText,
  })
}

function numberFromText(given: string): unknown {
  return /^-?\d+(\.\d+)?$/.test(given) ? Number(given) : given
}

/** One of some words; a wrong one is answered with the nearest. `refused` says why known others can't be had. */
export function choice(
  words: readonly (string | number)[],
  refused: Readonly<Record<string, string>> = {},
): SettingKind {
  const says = words.map((word) => shownValue(word)).join(' or ')
  return {
    says,
    check(value, name) {
      if (words.includes(value as string)) return []
      const known = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
      const reason = Object.hasOwn(refused, known) ? refused[known] : undefined
      if (reason !== undefined) return [`cannot be ${shownValue(value, name)}: ${reason}`]
      return [`must be ${says}, not ${shownValue(value, name)}${didYouMean(value, words.map(String))}`]
    },
    resolve: asIs,
    fromText: (given) => words.find((word) => String(word) === given) ?? given,
  }
}

/** `. Did you mean x?`, or nothing. */
export function didYouMean(wrong: unknown, names: Iterable<string>): string {
  const nearest = typeof wrong === 'string' ? nearestName(wrong, names) : undefined
  return nearest === undefined ? '' : `. Did you mean ${nearest}?`
}

interface DurationBounds {
  readonly minMs?: number | undefined
  readonly maxMs?: number | undefined
}

/** A number of seconds, or a number with its unit; for settings that Celery has. */
export function duration(bounds: DurationBounds = {}): SettingKind {
  return durationKind("a number of seconds or a duration such as '250ms', '10s', '1h'", durationMs, bounds)
}

/** As {@link duration}, but a bare number over a day is refused as milliseconds mistaken for seconds. */
export function timeLimit(): SettingKind {
  return durationKind("a number of seconds or a duration such as '30s', '5m'", limitMs, { minMs: 1 })
}

/** The written form alone; for settings that Celery does not have. */
export function writtenDuration(bounds: DurationBounds = {}): SettingKind {
  const written = durationKind("a duration such as '250ms', '10s', '5m', '2h', '1d'", writtenDurationMs, bounds)
  return { ...written, fromText: asIs }
}

function durationKind(
  says: string,
  read: (value: Duration, what: string) => number,
  { minMs = 0, maxMs = Number.POSITIVE_INFINITY }: DurationBounds,
): SettingKind {
  const least = minMs === 1 ? ', more than 0' : `, at least ${minMs} ms`
  const bounded = `${says}${minMs > 0 ? least : ''}${maxMs < Number.POSITIVE_INFINITY ? `, at most ${maxMs} ms` : ''}`
  return {
    says: bounded,
    check(value, name) {
      try {
        const ms = read(value as Duration, '')
        if (ms >= minMs && ms <= maxMs) return []
      } catch (error) {
        // The reader's own sentence knows more: a missing unit, milliseconds taken for seconds.
        if (typeof value === 'number' || typeof value === 'string') return [(error as Error).message.trim()]
      }
      return [`must be ${bounded}, not ${shownValue(value, name)}`]
    },
    resolve: (value) => read(value as Duration, ''),
    fromText: numberFromText,
    isDuration: true,
  }
}

/** The kind, or null, which is what the setting is unless told otherwise. */
export function orNull(inner: SettingKind): SettingKind {
  const { fromText } = inner
  const says = `${inner.says}, or null`
  return {
    ...inner,
    says,
    check: (value, name) =>
      value === null
        ? []
        : inner.check(value, name).map((problem) => problem.replace(`must be ${inner.says}`, `must be ${says}`)),
    resolve: (value) => (value === null ? null : inner.resolve(value)),
    fromText: fromText && ((given) => (given.toLowerCase() === 'null' ? null : fromText(given))),
  }
}

/** A list whose members are of one kind; a comma-separated text in the environment. */
export function listOf(inner: SettingKind, says: string): SettingKind {
  return {
    says,
    check(value, name) {
      if (!Array.isArray(value)) return [`must be ${says}, not ${shownValue(value, name)}`]
      return value.flatMap((item, index) => inner.check(item, name).map((problem) => `[${index}] ${problem}`))
    },
    resolve: (value) => Object.freeze([...(value as unknown[])].map((item) => inner.resolve(item))),
    fromText: inner.fromText && ((given) => given.split(',').map((item) => inner.fromText!(item.trim()))),
  }
}

/** An object of known keys, each of its own kind; JSON in the environment. */
export function record(keys: Readonly<Record<string, SettingKind>>): SettingKind {
  const names = Object.keys(keys)
  const says = `an object of ${names.join(', ')}`
  return {
    says,
    check(value, name) {
      if (!isPlainObject(value)) return [`must be ${says}, not ${shownValue(value, name)}`]
      return Object.entries(value).flatMap(([key, item]) => {
        if (item === undefined) return []
        const inner = Object.hasOwn(keys, key) ? keys[key] : undefined
        if (inner === undefined)
          return [`.${clean(key)} is unknown${didYouMean(key, names) || `. It has ${names.join(', ')}`}`]
        return inner.check(item, key).map((problem) => `.${key} ${problem}`)
      })
    },
    resolve(value) {
      const given = Object.entries(value as object).filter(([, item]) => item !== undefined)
      return Object.freeze(Object.fromEntries(given.map(([key, item]) => [key, keys[key]!.resolve(item)])))
    },
    fromText: jsonFromText,
  }
}

/** True for object literals and their like; false for null, lists, dates and other class instances. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** JSON where it is some, else the text itself, for the check to refuse. */
export function jsonFromText(given: string): unknown {
  try {
    return JSON.parse(given)
  } catch {
    return given
  }
}
