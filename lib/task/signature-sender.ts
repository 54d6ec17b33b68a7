import { NotSupported } from '../base/errors.ts'
import type { SignatureSender } from '../canvas/signature.ts'
import { readWireOptions } from '../canvas/wire-options.ts'
import type { WireSignature } from '../message/task-message.ts'
import type { Call } from '../publish/call.ts'
import type { TaskApp } from './current-app.ts'
import { type CallSurroundings, type CallTarget, prepareParts } from './make-call.ts'
import type { MaybePromise } from './schema.ts'
import { sendCalls } from './send-calls.ts'
import { parentTask } from './task-context.ts'

/**
 * Sends signatures by an app, as a call of their task would be sent.
 * @param app the app, asked for each time: a shared task's signature belongs to whichever is current
 * @param known the task that made the signatures, so that also those of a task that lives elsewhere are checked
 */
export function signatureSender(app: (what: string) => TaskApp, known?: () => CallTarget): SignatureSender {
  return {
    async send(signature) {
      const { task } = signature
      const owner = app(`Task "${task}"`)
      const own = known?.()
      const target = own?.name === task ? own : (owner.findTask(task) ?? { name: task })
      const parent = parentTask()
      const around = { defaults: owner.callDefaults, now: owner.clock.now(), parent }
      const call = await prepareSignature(signature, target, around)
      return (await sendCalls(owner, [call], parent))[0]
    },
  }
}

/**
 * The call that a signature stands for.
 * @throws {InvalidCall, TypeError, SchemaRefused} or rejects with it
 */
export function prepareSignature(
  signature: WireSignature,
  target: CallTarget,
  around: CallSurroundings,
): MaybePromise<Call> {
  const { task, args, kwargs, options, subtask_type: kind } = signature
  if (kind !== null) throw new NotSupported(`Cannot send ${task}: signatures of kind "${kind}" are not supported yet.`)
  return prepareParts(target, { args, kwargs, options: readWireOptions(options, task) }, around)
}
