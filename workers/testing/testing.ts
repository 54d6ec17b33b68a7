import type { Umbel } from '../../lib/app/app.ts'
import type { WrittenDuration } from '../../lib/base/duration.ts'
import type { Args } from '../../lib/canvas/signature.ts'
import type { AnyTask, TaskHandle } from '../../lib/task/task.ts'
import type { FakeClock } from '../../lib/testing/fake-clock.ts'
import type { CallLog, EnqueuedCall } from './call-log.ts'
import { type CallMatch, matchingCalls, refuseCalls } from './expected-call.ts'
import type { OneRun } from './one-run.ts'
import { type RunTaskOptions, runOnce } from './run-once.ts'
import { patienceOf, TestClock } from './test-clock.ts'
import type { TaskRun, TestWorkers } from './test-workers.ts'

/** The arguments of a task, as its callers give them. */
export type TaskArgs<T> = T extends { delay(...args: infer A): unknown } ? Readonly<A> : Args
/** What is left of a task's result on the wire. */
export type TaskValue<T> = T extends TaskHandle<infer _A, infer R, infer _P> ? R : unknown

export interface TestingParts {
  readonly app: Umbel
  readonly clock: FakeClock
  readonly log: CallLog
  readonly workers: TestWorkers
  /** Called once, when it was closed. */
  readonly onClosed: () => Promise<void>
}

/**
 * An app under test: on memory, on a clock of its own, with a real worker that runs tasks when it is told to. From `startTesting()`.
 */
export class Testing implements AsyncDisposable {
  /** The app under test; itself again after {@link close}. */
  readonly app: Umbel
  readonly clock: TestClock
  readonly #parts: TestingParts
  #closing: Promise<void> | undefined

  constructor(parts: TestingParts) {
    this.app = parts.app
    this.clock = new TestClock(parts.clock, parts.workers)
    this.#parts = parts
  }

  /** Runs `fn`, and all that it awaits, with this app as the current one: for tests that run at the same time in one process. */
  run<T>(fn: () => T): T {
    return this.app.run(fn)
  }

  /**
   * Runs every call that is due, and what follows from it, until nothing is due. Time stands still meanwhile. A task's failure fails its
   * result, not the drain.
   * @returns what ran, in order
   * @throws {TimeoutError} after `timeout` in reality, naming what still runs
   */
  async drain(options: { timeout?: WrittenDuration | undefined } = {}): Promise<TaskRun[]> {
    return this.#parts.workers.untilQuiet(patienceOf(options).timeoutMs)
  }

  /** The calls that were sent so far, in order; of one task, or all. */
  enqueued(task?: AnyTask | string): EnqueuedCall[] {
    const name = nameOf(task)
    return this.#parts.log.calls.filter((call) => name === undefined || call.task === name)
  }

  /**
   * Asserts that a call was sent. Arguments are compared as they come out of the wire; left out, any will do.
   * @returns the calls that match
   * @throws {AssertionError} showing what was sent
   */
  assertEnqueued<T extends AnyTask>(task: T, args?: TaskArgs<T>, match: CallMatch = {}): EnqueuedCall[] {
    const { kwargs, headers } = match
    const wire = this.#throughTheWire({ args, kwargs, headers })
    return matchingCalls({ task: task.taskName, args: wire.args, match: { ...match, ...wire.match } }, this.enqueued())
  }

  /** Asserts that no call was sent: of one task, or at all. @throws {AssertionError} showing what was sent */
  assertNothingEnqueued(task?: AnyTask | string): void {
    refuseCalls(this.enqueued(), nameOf(task))
  }

  /**
   * Runs a task once, here and now, as a worker would: arguments and result go through the wire, schemas, hooks and limits hold. Nothing is
   * retried and no link is sent; what would have happened is in the answer.
   */
  async runTask<T extends AnyTask>(
    task: T,
    args: TaskArgs<T>,
    options: RunTaskOptions = {},
  ): Promise<OneRun<TaskValue<T>>> {
    return runOnce<TaskValue<T>>(this, { task: task.taskName, args: [...args] }, options)
  }

  /** Ends what runs, forgets what was sent, and gives the app its own connections and clock back. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#parts.workers.stop()
    } finally {
      await this.#parts.onClosed()
    }
  }

  #throughTheWire({ args, kwargs, headers }: { args: Args | undefined } & Pick<CallMatch, 'kwargs' | 'headers'>) {
    const serializer = this.app.parts.serializers.loaded('json')
    const [wireArgs, wireKwargs, wireHeaders] = serializer.decode(
      serializer.encode([args ?? [], kwargs ?? {}, headers ?? {}], ['args', 'kwargs', 'headers']),
    ) as [Args, Record<string, unknown>, Record<string, unknown>]
    return {
      args: args && wireArgs,
      match: { kwargs: kwargs && { ...wireKwargs }, headers: headers && wireHeaders },
    }
  }
}

function nameOf(task: AnyTask | string | undefined): string | undefined {
  return typeof task === 'object' || typeof task === 'function' ? task.taskName : task
}
