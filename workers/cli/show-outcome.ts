import type { TaskOutcome } from '../../lib/result/async-result.ts'
import { type Output, shown } from './output.ts'

/**
 * Prints how a task ended.
 * @returns exit code: 0 when it succeeded, else 1
 */
export function showOutcome(out: Output, id: string, outcome: TaskOutcome<unknown>): number {
  if (outcome.kind === 'succeeded') {
    out.line(shown(out.asJson(outcome.value)))
    out.value({ id, state: outcome.state, result: outcome.value })
    return 0
  }
  const { error } = outcome
  if (out.json) out.value({ id, state: outcome.state, error: { type: typeOf(error), message: error.message } })
  else
    out.error(`Task ${id} ${outcome.kind === 'revoked' ? 'was revoked' : 'failed'}: ${typeOf(error)}: ${error.message}`)
  return 1
}

/** The name of the task's own error: a `TaskFailed` stands for one of a class that is not known here. */
function typeOf(error: Error): string {
  const { type, module } = error as { type?: unknown; module?: unknown }
  if (typeof type !== 'string') return error.name
  return typeof module === 'string' && module !== 'builtins' ? `${module}.${type}` : type
}
