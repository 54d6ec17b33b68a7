import { type Duration, durationMs, limitMs } from '../base/duration.ts'
import { nearestName } from '../base/nearest-name.ts'
import { hasControlCharacter, isTable, isWireName, shown } from '../canvas/plain-value.ts'
import { isDeliveryMode, isPriority } from '../canvas/wire-options.ts'
import { Retry, type RetryOptions } from './task-signals.ts'

/** Everything that is wrong with task options, in words that follow "has a wrong option:"; an undefined option counts as absent. */
export function taskOptionProblems(options: object): string[] {
  const problems: string[] = []
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const problem = notYet.has(name) ? `${name} is not supported yet` : problemOf(name, value)
    if (problem !== undefined) problems.push(problem)
  }
  return [...problems, ...problemsTogether(options)]
}

/** True for names that a task may have: `math.add`, `Reports.build`, `send-mail`. */
export function isTaskName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z_][\w.-]{0,254}$/.test(name)
}

/** What a task's name must look like, for errors. */
export const taskNameRule = 'letters, digits, "_", "." and "-", beginning with a letter or "_", at most 255 characters'

type Check = (value: unknown, name: string) => string | undefined

const mustBe =
  (wanted: string, fits: (value: unknown) => boolean): Check =>
  (value, name) =>
    fits(value) ? undefined : `${name} must be ${wanted}, not ${shown(value)}`

const flag = mustBe('true or false', (value) => typeof value === 'boolean')
const hook = mustBe('a function', (value) => typeof value === 'function')
const wireName = mustBe('text of 1 to 255 characters, no control characters', isWireName)
const routing = mustBe(
  'text',
  (value) => typeof value === 'string' && value.length <= 255 && !hasControlCharacter(value),
)
const errors = mustBe(
  'a list of error classes and their names',
  (value) => Array.isArray(value) && value.every(isErrorMatcher),
)

/** Turns the library's own way of saying it, an error, into a problem. */
const refusedBy =
  (read: (value: unknown, name: string) => unknown): Check =>
  (value, name) => {
    try {
      read(value, name)
      return undefined
    } catch (error) {
      return (error as Error).message.replace(/\.$/, '')
    }
  }

const duration = refusedBy((value, name) => durationMs(value as Duration, name))
const limit = refusedBy((value, name) => limitMs(value as Duration, name))

/** Options that a later version brings; known by name, so that nobody believes them to work. */
const notYet = new Set(['rateLimit', 'unique', 'debounce', 'throttle', 'concurrency', 'batch', 'pool'])

const checks = new Map<string, Check>([
  ['name', mustBe(`${taskNameRule}`, isTaskName)],
  ['queue', wireName],
  ['exchange', routing],
  ['routingKey', routing],
  ['priority', mustBe('a whole number from 0 to 255', isPriority)],
  ['expires', duration],
  ['deliveryMode', mustBe('1 (transient) or 2 (persistent)', isDeliveryMode)],
  ['serializer', wireName],
  ['compression', wireName],
  ['ignoreResult', flag],
  ['storeErrorsEvenIfIgnored', flag],
  ['trackStarted', flag],
  ['autoretryFor', errors],
  ['dontAutoretryFor', errors],
  ['throws', errors],
  [
    'maxRetries',
    mustBe('a whole number, 0 or more, or null for no limit', (value) => value === null || isCount(value)),
  ],
  ['defaultRetryDelay', duration],
  ['retryBackoff', (value, name) => (typeof value === 'boolean' ? undefined : duration(value, name))],
  ['retryBackoffMax', duration],
  ['retryJitter', flag],
  ['retryKwargs', retryKwargsProblem],
  ['acksLate', flag],
  ['acksOnFailureOrTimeout', flag],
  ['acksOnFailure', flag],
  ['acksOnTimeout', flag],
  ['rejectOnWorkerLost', flag],
  ['timeLimit', limit],
  ['softTimeLimit', limit],
  ['typing', flag],
  ['beforeStart', hook],
  ['onSuccess', hook],
  ['onFailure', hook],
  ['onRetry', hook],
  ['afterReturn', hook],
])

/** Options of the definition itself, checked by whoever defines it; named here so that a mistyped one is recognised. */
const definitionOptions = ['bind', 'params', 'input', 'output']

function problemOf(name: string, value: unknown): string | undefined {
  const check = checks.get(name)
  if (check !== undefined) return check(value, name)
  const nearest = nearestName(name, [...checks.keys(), ...notYet, ...definitionOptions])
  const hint = nearest === undefined ? '' : ` (did you mean "${nearest}"?)`
  return `${shown(name)} is no option of a task${hint}`
}

function problemsTogether(options: { timeLimit?: Duration; softTimeLimit?: Duration }): string[] {
  const { timeLimit, softTimeLimit } = options
  if (timeLimit === undefined || softTimeLimit === undefined) return []
  if (limit(timeLimit, '') !== undefined || limit(softTimeLimit, '') !== undefined) return []
  const isUseless = limitMs(softTimeLimit, '') > limitMs(timeLimit, '')
  return isUseless ? [`softTimeLimit (${softTimeLimit}) is over timeLimit (${timeLimit}), so it would never come`] : []
}

const retryKwargNames = ['countdown', 'eta', 'maxRetries', 'args', 'kwargs']

function retryKwargsProblem(value: unknown, name: string): string | undefined {
  if (!isTable(value)) return `${name} must be an object, not ${shown(value)}`
  const unknown = Object.keys(value).find((key) => !retryKwargNames.includes(key))
  if (unknown !== undefined) {
    const nearest = nearestName(unknown, retryKwargNames)
    return `${name} has no ${shown(unknown)}${nearest === undefined ? '' : ` (did you mean "${nearest}"?)`}`
  }
  const problem = refusedBy(() => new Retry(value as RetryOptions))(value, name)
  return problem === undefined ? undefined : `${name}: ${problem.replace(' of retry()', '')}`
}

function isErrorMatcher(value: unknown): boolean {
  return (
    (typeof value === 'string' && value !== '') ||
    (typeof value === 'function' && value.prototype instanceof Error) ||
    value === Error
  )
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
