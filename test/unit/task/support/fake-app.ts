import { afterEach, beforeEach } from 'mocha'
import type { CallOptions } from '../../../../lib/canvas/signature.ts'
import type { Call } from '../../../../lib/publish/call.ts'
import { AsyncResult } from '../../../../lib/result/async-result.ts'
import type { ResultAccess } from '../../../../lib/result/result-access.ts'
import { ambient, type TaskApp } from '../../../../lib/task/current-app.ts'
import type { CallDefaults, EagerCall } from '../../../../lib/task/make-call.ts'
import type { TaskDefinition } from '../../../../lib/task/task-definition.ts'
import { TaskRegistry } from '../../../../lib/task/task-registry.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'

/** When the fake clock starts: 2030-01-01. */
export const startsAt = Date.UTC(2030, 0, 1)

/** The app's defaults as they are without any setting. */
export function callDefaults(overrides: Partial<CallDefaults> = {}): CallDefaults {
  return {
    serializer: 'json',
    deliveryMode: 2,
    ignoreResult: false,
    storeErrorsEvenIfIgnored: false,
    trackStarted: false,
    acksLate: true,
    acksOnFailure: true,
    acksOnTimeout: true,
    rejectOnWorkerLost: true,
    inheritParentPriority: false,
    ...overrides,
  }
}

/** An app that keeps what it is given to send. */
export class FakeApp implements TaskApp {
  readonly name = 'fake'
  readonly clock = new FakeClock(startsAt)
  readonly callDefaults: CallDefaults
  readonly tasks = new TaskRegistry()
  /** What each `send` was given. */
  readonly batches: Call[][] = []
  readonly eager: { definition: TaskDefinition; args: readonly unknown[]; options: CallOptions }[] = []

  constructor(overrides: Partial<CallDefaults> = {}) {
    this.callDefaults = callDefaults(overrides)
  }

  get sent(): Call[] {
    return this.batches.flat()
  }

  get lastCall(): Call {
    return this.sent.at(-1)!
  }

  async send(calls: readonly Call[]): Promise<AsyncResult<unknown>[]> {
    this.batches.push([...calls])
    return calls.map((call) => this.result(call.id))
  }

  async runEagerly(definition: TaskDefinition, { args, options }: EagerCall): Promise<AsyncResult<unknown>> {
    this.eager.push({ definition, args, options })
    return this.result('eager')
  }

  result(id: string): AsyncResult<unknown> {
    return new AsyncResult(id, {} as ResultAccess)
  }

  findTask(name: string): TaskDefinition | undefined {
    return this.tasks.find(name)
  }
}

/** Gives each test of the file an ambient value of its own: no apps, no shared tasks. */
export function isolateTasks(): void {
  const key = Symbol.for('umbel.app')
  const holder = globalThis as { [key]?: unknown }
  let before: unknown
  beforeEach(() => {
    before = holder[key]
    holder[key] = undefined
  })
  afterEach(() => {
    holder[key] = before
  })
}

/** A fake app that is the current one. */
export function currentFakeApp(overrides: Partial<CallDefaults> = {}): FakeApp {
  const app = new FakeApp(overrides)
  ambient().apps.push(app)
  return app
}

/** The error that `run` throws or rejects with. */
export async function errorOf(run: () => unknown): Promise<Error> {
  try {
    await run()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error, there was none')
}
