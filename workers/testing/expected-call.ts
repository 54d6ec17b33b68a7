import { AssertionError } from 'node:assert'
import { inspect, isDeepStrictEqual } from 'node:util'
import { type Duration, durationMs } from '../../lib/base/duration.ts'
import { InvalidCall } from '../../lib/base/errors.ts'
import type { EnqueuedCall } from './call-log.ts'

/** What is asked of calls beside their arguments; only what is given is compared. */
export interface CallMatch {
  kwargs?: Readonly<Record<string, unknown>> | undefined
  queue?: string | undefined
  priority?: number | undefined
  /** Counted from when the call was sent; 0 asks for one that was to be run at once. */
  countdown?: Duration | undefined
  eta?: Date | undefined
  /** Each of these; others may stand beside them. */
  headers?: Readonly<Record<string, unknown>> | undefined
  /** How many calls match. @default at least one */
  count?: number | undefined
}

/** An expectation, with arguments as they come out of the wire. */
export interface ExpectedCall {
  readonly task: string
  /** Undefined takes any. */
  readonly args: readonly unknown[] | undefined
  readonly match: CallMatch
}

const known = new Set(['kwargs', 'queue', 'priority', 'countdown', 'eta', 'headers', 'count'])

/**
 * The calls that are as expected.
 * @throws {AssertionError} when there are none, or not as many as asked for; it shows every call of the task and what is different
 * @throws {InvalidCall} when the expectation itself is wrong
 */
export function matchingCalls(expected: ExpectedCall, calls: readonly EnqueuedCall[]): EnqueuedCall[] {
  const { count } = expected.match
  for (const option of Object.keys(expected.match))
    if (!known.has(option))
      throw new InvalidCall(`assertEnqueued() compares ${[...known].join(', ')}; there is no "${option}".`)
  const found = calls.filter((call) => differences(expected, call).length === 0)
  if (count === undefined ? found.length > 0 : found.length === count) return found
  throw new AssertionError({
    message: complaint(expected, found.length, calls),
    actual: calls.filter(({ task }) => task === expected.task).map(shownCall),
    expected: [shownExpected(expected)],
    operator: 'assertEnqueued',
    stackStartFn: matchingCalls,
  })
}

/** @throws {AssertionError} when there are calls; it shows them */
export function refuseCalls(calls: readonly EnqueuedCall[], of: string | undefined): void {
  const found = of === undefined ? calls : calls.filter(({ task }) => task === of)
  if (found.length === 0) return
  throw new AssertionError({
    message: `Expected that no call${of === undefined ? '' : ` of ${of}`} was sent; ${found.length} ${found.length === 1 ? 'was' : 'were'}:\n${list(found.map(shownCall))}`,
    actual: found.map(shownCall),
    expected: [],
    operator: 'assertNothingEnqueued',
    stackStartFn: refuseCalls,
  })
}

/** What is not as expected, in words; nothing when it matches. */
function differences({ task, args, match }: ExpectedCall, call: EnqueuedCall): string[] {
  if (call.task !== task) return ['task']
  const { kwargs, queue, priority, countdown, eta, headers } = match
  const different: string[] = []
  if (args !== undefined && !hasArguments(call, args, kwargs)) different.push('arguments')
  else if (args === undefined && kwargs !== undefined && !isDeepStrictEqual(call.kwargs, kwargs))
    different.push('keyword arguments')
  if (queue !== undefined && call.queue !== queue) different.push('queue')
  if (priority !== undefined && call.priority !== priority) different.push('priority')
  if (countdown !== undefined && (call.countdown ?? 0) * 1000 !== durationMs(countdown, 'countdown'))
    different.push('countdown')
  if (eta !== undefined && call.eta?.getTime() !== eta.getTime()) different.push('eta')
  for (const [name, value] of Object.entries(headers ?? {}))
    if (!isDeepStrictEqual(call.headers[name], value)) different.push(`header ${name}`)
  return different
}

/** An object schema's one argument is sent as keyword arguments. */
function hasArguments(call: EnqueuedCall, args: readonly unknown[], kwargs: CallMatch['kwargs']): boolean {
  if (isDeepStrictEqual(call.args, args)) return kwargs === undefined || isDeepStrictEqual(call.kwargs, kwargs)
  return call.args.length === 0 && args.length === 1 && isDeepStrictEqual(call.kwargs, args[0])
}

function complaint(expected: ExpectedCall, found: number, calls: readonly EnqueuedCall[]): string {
  const { count } = expected.match
  const wanted = `${count === undefined ? 'a call' : `${count} ${count === 1 ? 'call' : 'calls'}`} ${shownExpected(expected)}`
  const head = `Expected ${wanted}; ${found === 0 ? 'none was sent' : `${found} ${found === 1 ? 'was' : 'were'} sent`}.`
  const near = calls.filter(({ task }) => task === expected.task)
  const others = calls.filter(({ task }) => task !== expected.task)
  const parts = [head]
  if (near.length > 0)
    parts.push(
      `Calls of ${expected.task}:\n${list(
        near.map((call) => {
          const different = differences(expected, call)
          return `${shownCall(call)}${different.length === 0 ? '' : ` (different: ${different.join(', ')})`}`
        }),
      )}`,
    )
  if (others.length > 0) parts.push(`Calls of other tasks:\n${list(others.map(shownCall))}`)
  if (calls.length === 0) parts.push('No call was sent at all. Was the code under test awaited?')
  return parts.join('\n')
}

const shownAtMost = 20

function list(lines: readonly string[]): string {
  const shown = lines.slice(0, shownAtMost).map((line) => `  ${line}`)
  if (lines.length > shownAtMost) shown.push(`  and ${lines.length - shownAtMost} more`)
  return shown.join('\n')
}

function shownExpected({ task, args, match }: ExpectedCall): string {
  const { kwargs, queue, priority, countdown, eta, headers } = match
  const facts = { kwargs, queue, priority, countdown, eta: eta?.toISOString(), headers }
  return `${task}${args === undefined ? '' : shownArgs(args)}${shownFacts(facts)}`
}

function shownCall({ task, args, kwargs, queue, priority, countdown, headers }: EnqueuedCall): string {
  const facts = {
    kwargs: Object.keys(kwargs).length > 0 ? kwargs : undefined,
    queue,
    priority,
    countdown,
    headers: Object.keys(headers).length > 0 ? headers : undefined,
  }
  return `${task}${shownArgs(args)}${shownFacts(facts)}`
}

function shownFacts(facts: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(facts).filter(([, value]) => value !== undefined)
  return given.length === 0 ? '' : ` with ${given.map(([name, value]) => `${name} ${shown(value)}`).join(', ')}`
}

function shownArgs(args: readonly unknown[]): string {
  return `(${args.map(shown).join(', ')})`
}

function shown(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY })
}
