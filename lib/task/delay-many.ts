import { InvalidCall } from '../base/errors.ts'
import { type WireOptions, wireOptionsOf } from '../canvas/wire-options.ts'
import type { Call } from '../publish/call.ts'
import type { AsyncResult } from '../result/async-result.ts'
import type { TaskApp } from './current-app.ts'
import { type CallInput, type CallSurroundings, type CallTarget, givenArguments, prepareParts } from './make-call.ts'
import type { MaybePromise } from './schema.ts'
import { sendCalls } from './send-calls.ts'
import { parentTask } from './task-context.ts'

const chunkSize = 1000

/**
 * Sends many calls of one task, in order, a thousand at a time: the next thousand are asked for when the broker has taken the last.
 * @throws {InvalidCall} saying which call was refused and how many were sent before; its `cause` says why
 */
export async function delayMany(
  app: TaskApp,
  target: CallTarget,
  calls: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>,
  options: CallInput = {},
): Promise<AsyncResult<unknown>[]> {
  const many = new ManyCalls(app, target, options)
  if (Symbol.iterator in Object(calls)) {
    for (const args of calls as Iterable<unknown>) {
      const wait = many.add(args)
      if (wait !== undefined) await wait
    }
  } else if (Symbol.asyncIterator in Object(calls)) {
    for await (const args of calls) await many.add(args)
  } else throw new InvalidCall(`delayMany() of ${target.name} takes a list of argument lists: [[1, 1], [2, 2]].`)
  return many.finish()
}

/** Makes calls and sends them in chunks; what they have in common is checked once. */
class ManyCalls {
  readonly #app: TaskApp
  readonly #target: CallTarget
  readonly #options: CallInput
  readonly #wire: WireOptions
  readonly #around: CallSurroundings
  readonly #results: AsyncResult<unknown>[] = []
  #chunk: Call[] = []

  constructor(app: TaskApp, target: CallTarget, options: CallInput) {
    if (options.taskId !== undefined)
      throw new InvalidCall(`delayMany() of ${target.name} can't give one taskId to many calls. Leave it out.`)
    this.#app = app
    this.#target = target
    this.#options = options
    this.#wire = wireOptionsOf(options, target.name)
    this.#around = { defaults: app.callDefaults, now: app.clock.now(), parent: parentTask() }
  }

  /** What it returns is to be awaited before the next one; most of the time there is nothing to wait for. */
  add(args: unknown): Promise<void> | undefined {
    let call: MaybePromise<Call>
    try {
      const { args: list, kwargs } = givenArguments(this.#target, args, this.#options)
      call = prepareParts(this.#target, { args: list, kwargs, options: this.#wire }, this.#around)
    } catch (cause) {
      throw this.#refused(cause)
    }
    if (call instanceof Promise)
      return call.then(
        (made) => this.#take(made),
        (cause: unknown) => {
          throw this.#refused(cause)
        },
      )
    return this.#take(call)
  }

  async finish(): Promise<AsyncResult<unknown>[]> {
    if (this.#chunk.length > 0) await this.#send()
    return this.#results
  }

  #take(call: Call): Promise<void> | undefined {
    this.#chunk.push(call)
    return this.#chunk.length >= chunkSize ? this.#send() : undefined
  }

  async #send(): Promise<void> {
    const chunk = this.#chunk
    this.#chunk = []
    this.#results.push(...(await sendCalls(this.#app, chunk, this.#around.parent)))
  }

  #refused(cause: unknown): InvalidCall {
    const sent = this.#results.length
    const reason = cause instanceof Error ? cause.message : String(cause)
    const before = sent === 0 ? 'Nothing was sent.' : `The first ${sent} were sent.`
    const number = sent + this.#chunk.length + 1
    return new InvalidCall(`Call ${number} of delayMany() of ${this.#target.name} was refused: ${reason} ${before}`, {
      cause,
    })
  }
}
