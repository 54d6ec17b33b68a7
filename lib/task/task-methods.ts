import { InvalidCall } from '../base/errors.ts'
import { shown } from '../canvas/plain-value.ts'
import { type CallOptions, newSignature, type Signature } from '../canvas/signature.ts'
import { wireOptionsOf } from '../canvas/wire-options.ts'
import type { AsyncResult } from '../result/async-result.ts'
import type { TaskApp } from './current-app.ts'
import { delayMany } from './delay-many.ts'
import { type CallInput, type CallTarget, givenArguments, prepareCall } from './make-call.ts'
import { withNamedApart } from './params.ts'
import { sendCalls } from './send-calls.ts'
import { signatureSender } from './signature-sender.ts'
import { parentTask } from './task-context.ts'
import type { TaskDefinition } from './task-definition.ts'

/** Finds the app that a task belongs to just now; `what` is what needs it, for the error when there is none. */
export type AppLookup = (what: string) => TaskApp

type AnyArgs = readonly unknown[]
type AnyResult = Promise<AsyncResult<unknown>>

/** What tasks and handles can be asked, without the types. No method needs `this`, so that they may be passed on by themselves. */
export interface TaskMethods {
  delay(...args: AnyArgs): AnyResult
  applyAsync(args: AnyArgs, options?: CallInput): AnyResult
  delayMany(calls: Iterable<AnyArgs> | AsyncIterable<AnyArgs>, options?: CallInput): Promise<AsyncResult<unknown>[]>
  // biome-ignore lint/suspicious/noExplicitAny: what it takes and gives is known to the task's own type
  s(...given: AnyArgs): Signature<any, unknown>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  si(...args: AnyArgs): Signature<any, unknown>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  signature(given: AnyArgs, options?: SignatureInput): Signature<any, unknown>
  result(id: string): AsyncResult<unknown>
  applyEager(args: AnyArgs, options?: CallOptions): AnyResult
}

interface SignatureInput extends CallInput {
  immutable?: boolean | undefined
}

/** The methods of a task that was defined here. */
export function taskMethods(definition: () => TaskDefinition, app: AppLookup): TaskMethods {
  return {
    ...handleMethods(definition, app),
    async applyEager(args, options = {}) {
      const known = definition()
      const given = givenArguments(known, args, options)
      return app(`Task "${known.name}"`).runEagerly(known, { ...given, options })
    },
  }
}

/** The methods of a task wherever it lives. */
export function handleMethods(target: () => CallTarget, app: AppLookup): Omit<TaskMethods, 'applyEager'> {
  const sender = signatureSender(app, target)
  const applyAsync = async (args: AnyArgs, options: CallInput = noOptions): AnyResult => {
    const known = target()
    const owner = app(`Task "${known.name}"`)
    const parent = parentTask()
    const prepared = prepareCall(known, args, options, { defaults: owner.callDefaults, now: owner.clock.now(), parent })
    // Awaiting what is there already would cost every call a turn of the event loop.
    const call = prepared instanceof Promise ? await prepared : prepared
    return (await sendCalls(owner, [call], parent))[0]!
  }
  const signature: TaskMethods['signature'] = (given, options = noOptions) => {
    const { name, params } = target()
    const { args, kwargs } = withNamedApart(params, givenArguments({ name }, given, options))
    return newSignature(
      {
        task: name,
        args: [...args],
        kwargs: { ...kwargs },
        options: { ...wireOptionsOf(options, name) },
        subtask_type: null,
        immutable: options.immutable ?? false,
      },
      sender,
    )
  }
  return {
    applyAsync,
    delay: (...args) => applyAsync(args),
    delayMany: async (calls, options) => delayMany(app(`Task "${target().name}"`), target(), calls, options),
    signature,
    s: (...given) => signature(given),
    si: (...args) => signature(args, { immutable: true }),
    result(id) {
      const { name } = target()
      if (typeof id !== 'string' || id === '')
        throw new InvalidCall(`result() of ${name} takes the id of a call, not ${shown(id)}.`)
      return app(`Task "${name}"`).result(id)
    },
  }
}

const noOptions: CallInput = Object.freeze({})
