import { InvalidCall } from '../base/errors.ts'

/**
 * A time as Celery's messages carry it: `2026-11-22T13:24:24.055000+00:00`. Always six digits and a numeric offset: older Celery reads
 * `.345Z` as 345 microseconds, and Python before 3.11 does not read `Z` at all.
 * @param ms milliseconds since the epoch; fractions are kept down to the microsecond
 * @throws {InvalidCall} outside the years 1 to 9999, which Python cannot represent
 */
export function formatIsoTime(ms: number): string {
  // Many things happen within one millisecond, and most times that are written are now.
  if (ms === lastMs) return lastText
  const wholeMs = Math.floor(ms)
  if (!(wholeMs >= earliestMs && wholeMs <= latestMs))
    throw new InvalidCall(
      `${ms} ms since the epoch is no time between the years 1 and 9999, the ones that Python knows.`,
    )
  const text = new Date(wholeMs).toISOString()
  const micros = ms === wholeMs ? '000' : String(Math.floor((ms - wholeMs) * 1000)).padStart(3, '0')
  lastText = `${text.slice(0, 23)}${micros}+00:00`
  lastMs = ms
  return lastText
}

let lastMs: number | undefined
let lastText = ''

/**
 * Reads ISO 8601: date alone or date and time, extended or basic form, any number of fraction digits, offset as `Z`, `+02`, `+0200` or
 * `+02:00[:00]`; without an offset it is UTC, as Celery reads it.
 * @returns whole milliseconds since the epoch (further digits are cut off), or undefined when it is no such text
 */
export function parseIsoTime(text: string): number | undefined {
  if (text.length < 8 || text.length > 64) return undefined
  const parts = isoTime.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset = 'Z'] = parts
  const date = dateMs(Number(year), Number(month), Number(day))
  const offsetMs = offsetMsOf(offset)
  if (date === undefined || offsetMs === undefined) return undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const fractionMs = Number(fraction.slice(0, 3).padEnd(3, '0'))
  return date + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 + fractionMs - offsetMs
}

const earliestMs = -62_135_596_800_000 // 0001-01-01
const latestMs = 253_402_300_799_999 // 9999-12-31, its last millisecond

const isoTime =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?(Z|[+-]\d\d(?::?\d\d(?::?\d\d(?:\.\d+)?)?)?)?)?$/i

function dateMs(year: number, month: number, day: number): number | undefined {
  if (year < 1 || month < 1 || month > 12 || day < 1) return undefined
  const date = new Date(0)
  // Date.UTC takes the years 0 to 99 for 1900 to 1999; setUTCFullYear does not.
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCDate() === day ? date.getTime() : undefined
}

function offsetMsOf(offset: string): number | undefined {
  if (offset === 'Z' || offset === 'z') return 0
  const digits = offset.slice(1).replaceAll(':', '').split('.')[0]!
  const hours = Number(digits.slice(0, 2))
  const minutes = Number(digits.slice(2, 4))
  const seconds = Number(digits.slice(4, 6))
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000
  return offset.startsWith('-') ? -ms : ms
}
