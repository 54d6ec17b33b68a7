import { Closed, ResultExpired, ResultsDisabled, TimeoutError } from '../base/errors.ts'
import { microtask } from '../base/microtask.ts'
import type { ResultAccess } from './result-access.ts'
import type { Fetched, ResultBackend } from './result-backend.ts'
import { isFinal, type ResultDocument } from './result-record.ts'

export interface WaitOptions {
  /** null waits for ever. */
  readonly timeoutMs: number | null
  readonly signal?: AbortSignal | undefined
}

// A wait without an end still needs something that keeps the process alive; the clock splits it into hours.
const forEverMs = 1e12

/**
 * Resolves with the final document of a task. Keeps the process alive while it waits.
 * @throws {TimeoutError} at the deadline, saying what is known of the task
 * @throws {ResultExpired} when the result was kept and has expired
 * @throws {ResultsDisabled} when the backend keeps nothing
 * @throws {Closed} when the app is closed meanwhile
 */
export async function waitForResult(access: ResultAccess, id: string, options: WaitOptions): Promise<ResultDocument> {
  options.signal?.throwIfAborted()
  const backend = await access.backend()
  refuseDisabled(backend, id)
  // Aborted while the backend was opened: a listener that is added now would never be called.
  options.signal?.throwIfAborted()
  return new Promise<ResultDocument>((resolve, reject) => {
    let seen: Fetched = { kind: 'absent' }
    let finished = false
    const finish = (settle: () => void): void => {
      if (finished) return
      finished = true
      cancelTimer()
      stopListening()
      options.signal?.removeEventListener('abort', onAbort)
      // Not at once: a backend may call back before watch() has returned.
      microtask(() => stopWatching())
      settle()
    }
    const onAbort = (): void => finish(() => reject(options.signal?.reason))
    const stopListening = access.onClose(() => finish(() => reject(closed(id))))
    const onTimeout = (): void => finish(() => reject(timeoutOf(id, seen, options.timeoutMs ?? 0, backend)))
    const cancelTimer = access.clock.timer(options.timeoutMs ?? forEverMs, onTimeout, { keepAlive: true })
    options.signal?.addEventListener('abort', onAbort, { once: true })
    const stopWatching = backend.watch(id, (found) => {
      seen = found
      if (found.kind === 'expired') finish(() => reject(expired(id, found.state)))
      if (found.kind !== 'record' || !isFinal(found.record.state)) return
      finish(() => {
        try {
          resolve(access.decode(found.record))
        } catch (error) {
          reject(error)
        }
      })
    })
  })
}

/** @throws {ResultsDisabled} */
export function refuseDisabled(backend: ResultBackend, id: string): void {
  if (!backend.capabilities.keepsResults)
    throw new ResultsDisabled(
      `Cannot read the result of task ${id}: this app keeps no results (${backend.store}). Set \`backend\` to a store, or don't wait for it.`,
    )
}

/** The error for a result that was stored and is gone. */
export function expired(id: string, state: string): ResultExpired {
  return new ResultExpired(
    `The result of task ${id} (state ${state}) has expired. Read it earlier, or keep results longer with \`resultExpires\`.`,
  )
}

function closed(id: string): Closed {
  return new Closed(`Cannot wait any longer for the result of task ${id}: the app was closed.`)
}

function timeoutOf(id: string, seen: Fetched, timeoutMs: number, backend: ResultBackend): TimeoutError {
  const known =
    seen.kind === 'record'
      ? `Its last known state is ${seen.record.state}, so it may still run`
      : 'Nothing is known of it yet: it may wait in its queue or run just now, or the id is unknown here, or its result expired long ago'
  return new TimeoutError(
    `Waited ${timeoutMs / 1000} s for the result of task ${id} in ${backend.store}. ${known}. Is a worker running on that store and queue? ` +
      'Wait longer with get({ timeout }), or look with `umbel result` and `umbel queues`.',
  )
}
