import { type WrittenDuration, writtenDurationMs } from '../../lib/base/duration.ts'
import { InvalidCall } from '../../lib/base/errors.ts'
import type { FakeClock } from '../../lib/testing/fake-clock.ts'
import type { Patience, TaskRun, TestWorkers } from './test-workers.ts'

/** How long a step of a test may take in reality. */
export interface StepOptions {
  /** In reality; past it, the step fails and names what still runs. @default "5s" */
  timeout?: WrittenDuration | undefined
  /**
   * In reality: how long the clock waits for a task that runs and doesn't end. Then time goes on with the task running, so that its time
   * limits can end it. @default "100ms"
   */
  patience?: WrittenDuration | undefined
}

/** Options in ms, checked. @throws {InvalidCall} */
export function patienceOf({ timeout = '5s', patience = '100ms' }: StepOptions): Patience {
  return {
    timeoutMs: writtenDurationMs(timeout, 'timeout of a step'),
    patienceMs: writtenDurationMs(patience, 'patience of a step'),
  }
}

/** The time of an app under test. It stands still, also while tasks run, until it is moved; then what comes due is run. */
export class TestClock {
  readonly #clock: FakeClock
  readonly #workers: TestWorkers

  constructor(clock: FakeClock, workers: TestWorkers) {
    this.#clock = clock
    this.#workers = workers
  }

  /** As the app sees it, ms since the epoch. */
  now(): number {
    return this.#clock.now()
  }

  /**
   * Lets time pass: countdowns, retries, expiry of calls and results, time limits and waits of `get()` happen, each at its own time.
   * @returns what ran, in order
   * @throws {TimeoutError} when tasks keep it longer than `timeout` in reality
   */
  async advance(by: WrittenDuration, options: StepOptions = {}): Promise<TaskRun[]> {
    return this.#workers.letPass(writtenDurationMs(by, 'advance()'), patienceOf(options))
  }

  /** As {@link advance}, up to a moment. @throws {InvalidCall} when it has passed */
  async advanceTo(moment: Date, options: StepOptions = {}): Promise<TaskRun[]> {
    const ms = moment.getTime() - this.now()
    if (!(ms >= 0))
      throw new InvalidCall(
        `Cannot move the clock to ${String(moment)}: it stands at ${new Date(this.now()).toISOString()} and never goes back.`,
      )
    return this.#workers.letPass(ms, patienceOf(options))
  }

  /** As {@link advance}, as far as it takes until no call waits for its time and no task runs. */
  async runAll(options: StepOptions = {}): Promise<TaskRun[]> {
    return this.#workers.untilEmpty(patienceOf(options))
  }
}
