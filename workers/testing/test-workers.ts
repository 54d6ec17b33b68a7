import type { Umbel } from '../../lib/app/app.ts'
import { Closed, TimeoutError } from '../../lib/base/errors.ts'
import type { FakeClock } from '../../lib/testing/fake-clock.ts'
import { nextTurn, RealDeadline, realPause } from '../../lib/testing/real-time.ts'
import type { Worker } from '../worker.ts'
import type { Gate } from './gate.ts'

/** One run of a task by a test's worker. */
export interface TaskRun {
  readonly id: string
  /** The task's name. */
  readonly task: string
  /**
   * How it ended: `SUCCESS`, `FAILURE`, `RETRY`, `REVOKED` (also when it had expired), `IGNORED`, `REJECTED`, or `UNKNOWN` for a task that
   * is not registered here.
   */
  readonly state: string
}

export interface TestWorkersParts {
  readonly app: Umbel
  readonly clock: FakeClock
  readonly gate: Gate
  /** Tasks that run at a time. */
  readonly concurrency: number | undefined
  /** Folder that relative paths in the app's `imports` count from. */
  readonly importsFrom: string | undefined
}

/** How long things may take in reality. */
export interface Patience {
  /** All of it. */
  readonly timeoutMs: number
  /** How long a task that doesn't end may hold up time. */
  readonly patienceMs: number
}

/** One drain, or one passing of time. */
interface Step {
  readonly timeoutMs: number
  readonly deadline: RealDeadline
  /** Undefined when tasks are waited for as long as it takes. */
  readonly patienceMs: number | undefined
}

/** What there is to do for the workers just now. */
interface Remaining {
  readonly waiting: number
  readonly claimed: number
  readonly scheduled: number
  /** Queues that hold something and that no worker takes from. */
  readonly unserved: readonly string[]
}

const hostname = 'umbel@test'
/** As many turns of the event loop without anything to do mean that there is nothing: what waits on a result may send more. */
const quietTurns = 3
/** As many turns are waited without a pause; real input and output takes longer. */
const busyTurns = 200

/** Real workers in a test: they run what is due while they are told to, and nothing otherwise. */
export class TestWorkers {
  readonly #parts: TestWorkersParts
  readonly #workers: Worker[] = []
  readonly #served = new Set<string>()
  readonly #ran: TaskRun[] = []
  readonly #unknown = new Set<string>()
  /** Tasks that don't end while time stands still; nobody waits for them any more. */
  readonly #held = new Set<string>()
  readonly #listeners: Disposable[]
  #starting: Promise<void> | undefined
  #isClosed = false

  constructor(parts: TestWorkersParts) {
    this.#parts = parts
    this.#listeners = this.#listen(parts.app)
  }

  /** Loads the app's imports and makes its queues known; once. */
  start(): Promise<void> {
    this.#starting ??= this.#startWorker(undefined)
    return this.#starting
  }

  /** Runs what is due until nothing is. @throws {TimeoutError} naming what still runs */
  async untilQuiet(timeoutMs: number): Promise<TaskRun[]> {
    return this.#step({ timeoutMs }, (step) => this.#settle(step))
  }

  /** Lets time pass, and runs what comes due, each at its own time. @throws {TimeoutError} */
  async letPass(ms: number, patience: Patience): Promise<TaskRun[]> {
    const { clock } = this.#parts
    return this.#step(patience, async (step) => {
      const endsAt = clock.monotonic() + ms
      await this.#settle(step)
      for (
        let next = clock.untilNext;
        next !== undefined && clock.monotonic() + next <= endsAt;
        next = clock.untilNext
      ) {
        await clock.advance(next)
        await this.#settle(step)
      }
      await clock.advance(endsAt - clock.monotonic())
      await this.#settle(step)
    })
  }

  /** Lets time pass until nothing waits for it any more. @throws {TimeoutError} when that is never */
  async untilEmpty(patience: Patience): Promise<TaskRun[]> {
    const { clock } = this.#parts
    return this.#step(patience, async (step) => {
      await this.#settle(step)
      for (
        let remaining = await this.#remaining();
        remaining.scheduled + remaining.claimed > 0;
        remaining = await this.#remaining()
      ) {
        if (clock.untilNext === undefined) return
        if (step.deadline.isOver) throw this.#late(step, remaining)
        await clock.advance(clock.untilNext)
        await this.#settle(step)
      }
    })
  }

  /** Ends what runs by its signal; resolves when nothing of the workers is left. */
  async stop(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const stopping = Promise.all(this.#workers.map((worker) => worker.stop({ how: 'cold' })))
    let isStopped = false
    void stopping.finally(() => {
      isStopped = true
    })
    // A task that ends when it is told to needs a few turns; one that does not is given up after what a cold stop waits, by this clock.
    for (let turns = 0; turns < quietTurns && !isStopped; turns++) await nextTurn()
    while (!isStopped) await this.#parts.clock.advance(1_000)
    await stopping
    for (const listener of this.#listeners) listener[Symbol.dispose]()
  }

  async #step(patience: Partial<Patience> & Pick<Patience, 'timeoutMs'>, act: (step: Step) => Promise<void>) {
    if (this.#isClosed) throw new Closed('This test was closed. Begin another: await startTesting(app).')
    await this.start()
    const { timeoutMs, patienceMs } = patience
    const from = this.#ran.length
    const deadline = new RealDeadline(timeoutMs)
    const closeGate = this.#parts.gate.open()
    try {
      await act({ timeoutMs, patienceMs, deadline })
    } finally {
      closeGate()
      deadline.cancel()
    }
    return this.#ran.slice(from)
  }

  /**
   * Resolves when nothing is to be done at this moment of the test's time. With `patienceMs`, also when all that runs has not ended for so
   * long in reality: then only time can end it.
   */
  async #settle(step: Step): Promise<void> {
    const { deadline, patienceMs } = step
    const patience = patienceMs === undefined ? undefined : new RealDeadline(patienceMs)
    try {
      let ended = this.#ran.length
      for (let turns = 0, quiet = 0; quiet < quietTurns; turns++) {
        await (turns < busyTurns ? nextTurn() : realPause(1))
        const remaining = await this.#remaining()
        if (remaining.unserved.length > 0) await this.#startWorker(remaining.unserved)
        const isQuiet =
          remaining.waiting + remaining.claimed === 0 || (patience !== undefined && this.#isHeld(remaining))
        quiet = isQuiet ? quiet + 1 : 0
        if (isQuiet) continue
        if (deadline.isOver) throw this.#late(step, remaining)
        if (patience === undefined || patienceMs === undefined) continue
        if (this.#ran.length !== ended) patience.restart(patienceMs)
        else if (patience.isOver) this.#hold()
        ended = this.#ran.length
      }
    } finally {
      patience?.cancel()
    }
  }

  #isHeld({ waiting }: Remaining): boolean {
    const running = this.#running()
    return waiting === 0 && running.length > 0 && running.every(({ id }) => this.#held.has(id))
  }

  #hold(): void {
    for (const { id } of this.#running()) this.#held.add(id)
  }

  async #remaining(): Promise<Remaining> {
    const queues = await (await this.#parts.app.broker()).admin.queues()
    const open = queues.filter(({ paused }) => !paused)
    return {
      waiting: sum(open.map(({ waiting }) => waiting)),
      claimed: sum(queues.map(({ claimed }) => claimed)),
      scheduled: sum(open.map(({ scheduled }) => scheduled)),
      unserved: open
        .filter(({ queue, waiting, scheduled }) => waiting + scheduled > 0 && !this.#served.has(queue))
        .map(({ queue }) => queue),
    }
  }

  #running() {
    return this.#workers.flatMap((worker) => worker.running())
  }

  /** @param queues those of the settings when left out */
  async #startWorker(queues: readonly string[] | undefined): Promise<void> {
    // On first use: importing the kit loads no worker, and so no client module.
    const { Worker } = await import('../worker.ts')
    const { app, concurrency, importsFrom } = this.#parts
    const worker = new Worker(app, { queues, concurrency, importsFrom, hostname })
    for (const queue of queues ?? []) this.#served.add(queue)
    await worker.start()
    for (const queue of worker.queues) this.#served.add(queue)
    this.#workers.push(worker)
  }

  #listen(app: Umbel): Disposable[] {
    const ended = (task: string, id: string, state: string): void => {
      this.#held.delete(id)
      this.#ran.push({ id, task, state })
    }
    return [
      app.on('taskFinished', (event) => {
        if (event.hostname === hostname) ended(event.task, event.id, event.state)
      }),
      app.on('taskRevoked', ({ task, id }) => ended(task, id, 'REVOKED')),
      app.on('taskRejected', ({ task, id }) => ended(task ?? '', id ?? '', 'REJECTED')),
      app.on('taskUnknown', ({ task, id }) => {
        // It is given back and comes by again and again.
        if (!this.#unknown.has(id)) ended(task, id, 'UNKNOWN')
        this.#unknown.add(id)
      }),
    ]
  }

  #late({ timeoutMs }: Step, { waiting, scheduled }: Remaining): TimeoutError {
    const running = this.#running()
      .slice(0, 10)
      .map(({ task, id }) => `${task} (${id})`)
    const still = running.length === 0 ? 'none runs' : `still running: ${running.join(', ')}`
    const last = this.#ran
      .slice(-3)
      .map(({ task, state }) => `${task} ${state}`)
      .join(', ')
    return new TimeoutError(
      `Waited ${timeoutMs / 1000} s for the tasks of this test to end; ${still}; ${waiting} more wait, ${scheduled} are scheduled, ` +
        `${this.#ran.length} runs have ended${last === '' ? '' : ` (the last: ${last})`}. A task that waits for time needs clock.advance(); ` +
        'one that sends itself again at once never ends.',
    )
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
