import type { Clock } from '../base/clock.ts'
import type { Call } from '../publish/call.ts'
import { AsyncResult } from '../result/async-result.ts'
import type { MemoryResultBackend } from '../result/memory/memory-result-backend.ts'
import type { ResultAccess } from '../result/result-access.ts'
import type { ResultBackend } from '../result/result-backend.ts'
import type { AttemptParts } from '../run/attempt-parts.ts'
import type { EagerEnding } from '../run/eager.ts'
import type { AppParts } from './compose.ts'

/** What eager runs need of the app. */
export interface EagerApp {
  readonly clock: Clock
  readonly parts: AppParts
  resultBackend(): Promise<ResultBackend>
  attemptParts(): Omit<AttemptParts, 'keepRecord' | 'isEager'>
}

export interface EagerOptions {
  /** Store the final record in the app's result backend as well. */
  readonly storesResults: boolean
  /** A failed task's error is thrown by the call. */
  readonly propagates: boolean
}

/** Runs calls in this process, one after the other, as a worker would; their results are kept in this process. */
export class EagerCalls {
  readonly #app: EagerApp
  readonly #access: ResultAccess
  #opening: Promise<{ results: MemoryResultBackend; run: EagerRunner }> | undefined

  /** @param access what result handles of the app use; eager ones differ in where they read */
  constructor(app: EagerApp, access: ResultAccess) {
    this.#app = app
    this.#access = { ...access, backend: async (): Promise<ResultBackend> => (await this.#open()).results }
  }

  /** @throws the task's error, with `propagates` */
  async run(calls: readonly Call[], options: EagerOptions): Promise<AsyncResult<unknown>[]> {
    await this.#app.parts.loadSerializers()
    const { results, run } = await this.#open()
    const handles: AsyncResult<unknown>[] = []
    for (const call of calls) {
      const { record } = await run(call)
      if (record !== undefined) {
        await results.keep([record])
        if (options.storesResults) await (await this.#app.resultBackend()).keep([record])
      }
      const handle = new AsyncResult<unknown>(call.id, this.#access)
      if (options.propagates && record?.state === 'FAILURE') await handle.get()
      handles.push(handle)
    }
    return handles
  }

  /** The run layer loads when it is first needed: a process that only sends never does. */
  #open(): Promise<{ results: MemoryResultBackend; run: EagerRunner }> {
    this.#opening ??= this.#load()
    return this.#opening
  }

  async #load(): Promise<{ results: MemoryResultBackend; run: EagerRunner }> {
    const [{ MemoryResultBackend }, { runEagerly }] = await Promise.all([
      import('../result/memory/memory-result-backend.ts'),
      import('../run/eager.ts'),
    ])
    const app = this.#app
    const results = new MemoryResultBackend({ clock: app.clock })
    await results.start()
    const parts: AttemptParts = {
      ...app.attemptParts(),
      keepRecord: (record) => results.keep([record]),
      isEager: true,
    }
    return { results, run: (call) => runEagerly(app.parts.publisher.prepare(call), parts) }
  }
}

type EagerRunner = (call: Call) => Promise<EagerEnding>
