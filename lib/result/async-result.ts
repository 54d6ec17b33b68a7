import { type WrittenDuration, writtenDurationMs } from '../base/duration.ts'
import { ResultsDisabled } from '../base/errors.ts'
import type { ResultAccess, RevokeOptions } from './result-access.ts'
import type { Fetched } from './result-backend.ts'
import { isFinal, type ResultDocument, type TaskState } from './result-record.ts'
import { expired, refuseDisabled, waitForResult } from './wait-for-result.ts'

export interface GetOptions {
  /** `'10s'`; null waits for ever. @default `resultGetTimeout`, 5 minutes */
  timeout?: WrittenDuration | null | undefined
  /** Ends the wait, not the task. */
  signal?: AbortSignal | undefined
}

/** How a task ended; told apart by `kind`. */
export type TaskOutcome<R> =
  | { readonly kind: 'succeeded'; readonly state: 'SUCCESS'; readonly value: R }
  | { readonly kind: 'failed'; readonly state: 'FAILURE'; readonly error: Error }
  | { readonly kind: 'revoked'; readonly state: 'REVOKED'; readonly error: Error }

/** One state of a task as it was seen; `meta` is what `updateState` or `progress` stored. */
export type Update<R> = TaskOutcome<R> | { readonly kind: 'state'; readonly state: string; readonly meta: unknown }

/** A task and those that it sent, as {@link AsyncResult.graph} finds them. */
export interface ResultNode {
  readonly id: string
  readonly state: TaskState
  readonly children: readonly ResultNode[]
}

/** What the sender of a call knows of it. */
export interface ResultFacts {
  readonly parent?: AsyncResult<unknown> | undefined
  /** It was sent with `ignoreResult`: waiting for it is refused. */
  readonly ignored?: boolean | undefined
}

/** A handle of a call that was sent: asks the result backend, never holds the value itself. Never thenable. */
export class AsyncResult<out R> {
  readonly id: string
  /** The task whose result comes into this one, in a chain. */
  readonly parent: AsyncResult<unknown> | undefined
  readonly #access: ResultAccess
  readonly #isIgnored: boolean

  constructor(id: string, access: ResultAccess, facts: ResultFacts = {}) {
    this.id = id
    this.parent = facts.parent
    this.#access = access
    this.#isIgnored = facts.ignored ?? false
  }

  /**
   * The task's value, as soon as there is one. Throws the task's error when it failed (`TaskFailed`, or the class itself where it is
   * registered) or was revoked (`TaskRevoked`).
   * @throws {TimeoutError, ResultExpired, ResultsDisabled}
   */
  async get(options: GetOptions = {}): Promise<R> {
    const outcome = await this.outcome(options)
    if (outcome.kind === 'succeeded') return outcome.value
    throw outcome.error
  }

  /**
   * How the task ended, without throwing for the task's sake.
   * @throws {TimeoutError, ResultExpired, ResultsDisabled}
   */
  async outcome(options: GetOptions = {}): Promise<TaskOutcome<R>> {
    const { timeout, signal } = options
    const timeoutMs =
      timeout === undefined
        ? this.#access.defaultTimeoutMs
        : timeout === null
          ? null
          : writtenDurationMs(timeout, 'timeout of get()')
    this.#refuseIgnored()
    return this.#outcomeOf(await waitForResult(this.#access, this.id, { timeoutMs, signal }))
  }

  /** PENDING when nothing is known of the id. @throws {ResultExpired, ResultsDisabled} */
  async state(): Promise<TaskState> {
    const found = await this.#fetch()
    return found.kind === 'record' ? found.record.state : 'PENDING'
  }

  /** True when it succeeded, failed or was revoked. */
  async ready(): Promise<boolean> {
    return isFinal(await this.state())
  }

  async successful(): Promise<boolean> {
    return (await this.state()) === 'SUCCESS'
  }

  async failed(): Promise<boolean> {
    return (await this.state()) === 'FAILURE'
  }

  /** The value, the error, or the meta of a custom state; undefined when nothing is known. */
  async info(): Promise<unknown> {
    const update = await this.#latest()
    if (update === undefined) return undefined
    if (update.kind === 'succeeded') return update.value
    return update.kind === 'state' ? update.meta : update.error
  }

  /** The tasks that this one sent while it ran, as far as its record tells. */
  async children(): Promise<AsyncResult<unknown>[]> {
    const children: unknown = (await this.#document())?.children
    // Whoever wrote the record may have put anything there.
    return (Array.isArray(children) ? children : [])
      .flatMap(idOfTuple)
      .map((id) => new AsyncResult(id, this.#access, { parent: this }))
  }

  /** This task and all that came of it, with their states now. Ids that appear twice (a retry lists itself) are visited once. */
  async graph(): Promise<ResultNode> {
    const visited = new Set<string>()
    const visit = async (result: AsyncResult<unknown>): Promise<ResultNode> => {
      visited.add(result.id)
      const next = (await result.children()).filter((child) => !visited.has(child.id))
      const children: ResultNode[] = []
      for (const child of next) if (!visited.has(child.id)) children.push(await visit(child))
      return { id: result.id, state: await result.state(), children }
    }
    return visit(this)
  }

  /** Never to run if it hasn't started; with `terminate`, also aborted if it runs. */
  async revoke(options: RevokeOptions = {}): Promise<void> {
    await this.#access.revoke([this.id], options)
  }

  /** Removes what is kept of it; `get()` then waits as for an unknown id. */
  async forget(): Promise<void> {
    const backend = await this.#access.backend()
    await backend.forget([this.id])
  }

  /** Every state seen, until it has ended. Leaving the loop ends the watch. Keeps the process alive while it waits. */
  async *[Symbol.asyncIterator](): AsyncIterator<Update<R>, void, void> {
    this.#refuseIgnored()
    const backend = await this.#access.backend()
    refuseDisabled(backend, this.id)
    const seen: Fetched[] = []
    let wake = (): void => {}
    const stopWatching = backend.watch(this.id, (found) => {
      seen.push(found)
      wake()
    })
    // Only a timer keeps Node alive: a watch must not, or every waiter would hold its process.
    const cancelKeepAlive = this.#access.clock.timer(1e12, () => {}, { keepAlive: true })
    try {
      while (true) {
        const found = seen.shift()
        if (found === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        if (found.kind === 'expired') throw expired(this.id, found.state)
        if (found.kind === 'absent') continue
        const update = this.#updateOf(this.#access.decode(found.record))
        yield update
        if (update.kind !== 'state') return
      }
    } finally {
      cancelKeepAlive()
      stopWatching()
    }
  }

  /** The id alone: a handle is no data, and an id is what another process needs. */
  toJSON(): string {
    return this.id
  }

  #refuseIgnored(): void {
    if (this.#isIgnored)
      throw new ResultsDisabled(
        `Cannot wait for the result of task ${this.id}: it was sent with \`ignoreResult\`, so none is kept. Leave that out for calls you wait for.`,
      )
  }

  async #fetch(): Promise<Fetched> {
    const backend = await this.#access.backend()
    refuseDisabled(backend, this.id)
    const found = (await backend.fetch([this.id]))[0] ?? { kind: 'absent' }
    if (found.kind === 'expired') throw expired(this.id, found.state)
    return found
  }

  async #document(): Promise<ResultDocument | undefined> {
    const found = await this.#fetch()
    return found.kind === 'record' ? this.#access.decode(found.record) : undefined
  }

  async #latest(): Promise<Update<R> | undefined> {
    const document = await this.#document()
    return document === undefined ? undefined : this.#updateOf(document)
  }

  #updateOf(document: ResultDocument): Update<R> {
    return isFinal(document.status)
      ? this.#outcomeOf(document)
      : { kind: 'state', state: document.status, meta: document.result }
  }

  #outcomeOf(document: ResultDocument): TaskOutcome<R> {
    // The one place where the wire's word is taken for the caller's type: that is what R promises.
    if (document.status === 'SUCCESS') return { kind: 'succeeded', state: 'SUCCESS', value: document.result as R }
    const error = this.#access.errorOf(document)
    return document.status === 'REVOKED'
      ? { kind: 'revoked', state: 'REVOKED', error }
      : { kind: 'failed', state: 'FAILURE', error }
  }
}

/** `[[id, parent], null]` → id; anything else is no task's tuple and is left out. */
function idOfTuple(tuple: unknown): string[] {
  if (!Array.isArray(tuple) || !Array.isArray(tuple[0])) return []
  const id: unknown = tuple[0][0]
  return typeof id === 'string' ? [id] : []
}
