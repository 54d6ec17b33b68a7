import type { BoardEntry } from './task-board.ts'

/** A stall of this length is told of. */
export const reportAfterMs = 1_000
/** How far past its limit a task may block the loop before the process is ended. Half a second under the second that is promised. */
const graceMs = 500

/** What the lease thread sees of the main thread. */
export interface Stall {
  /** How long the event loop has not turned. */
  readonly blockedMs: number
  /** The task whose function was entered and has not returned. */
  readonly called: BoardEntry | undefined
  readonly running: readonly BoardEntry[]
  /** `workerMaxBlockedLoop`. */
  readonly maxBlockedMs: number
}

/**
 * Whether a stall must be ended, and why. With the culprit known its own limit counts; otherwise one of those that run is it, so only
 * a stall that is longer than any of them may take is ended before `maxBlockedMs`. Pure.
 * @returns a sentence for people, or undefined to wait on
 */
export function reasonToEnd({ blockedMs, called, running, maxBlockedMs }: Stall): string | undefined {
  const suspects = called === undefined ? running : [called]
  const limits = suspects.map(({ limitMs }) => limitMs ?? Number.POSITIVE_INFINITY)
  const limitMs = limits.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...limits)
  if (blockedMs > limitMs + graceMs) return `the hard time limit of ${seconds(limitMs)} is over`
  if (blockedMs > maxBlockedMs) return `\`workerMaxBlockedLoop\` is ${seconds(maxBlockedMs)}`
  return undefined
}

/** Names whoever keeps the loop from turning, as well as it is known. */
export function describeStall({ blockedMs, called, running }: Stall): string {
  const since = `has been blocked for ${seconds(blockedMs)}`
  if (called !== undefined) return `${since} by task "${called.task}" (${called.id})`
  if (running.length === 0) return `${since}, by no task`
  const names = running.slice(0, 5).map(({ task, id }) => `"${task}" (${id})`)
  const more = running.length > 5 ? ` and ${running.length - 5} more` : ''
  return `${since} by ${running.length === 1 ? 'task' : 'one of the tasks'} ${names.join(', ')}${more}`
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
