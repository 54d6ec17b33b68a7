import type { Delivery } from '../../lib/broker/broker.ts'
import { type MessageRefused, readMessage } from '../../lib/message/read-message.ts'
import { effectiveTaskOptions } from '../../lib/task/task-options.ts'
import type { Refusal, Request } from './request.ts'
import type { WorkParts } from './work-parts.ts'

/** Reads a delivery's headers, or says why they can't be used. The body stays as it is until it is in its slot. */
export function readRequest(delivery: Delivery, parts: WorkParts): Request | Refusal {
  const { tasks, defaults, policy, keepsResults } = parts
  try {
    const { headers } = readMessage(delivery.message, policy)
    const definition = tasks.find(headers.task)
    const options = definition === undefined ? undefined : effectiveTaskOptions(definition, defaults)
    const { ignoreResult, storeErrorsEvenIfIgnored } = options ?? defaults
    const keepsResult = keepsResults && !(headers.ignoreResult ?? ignoreResult)
    return {
      kind: 'request',
      delivery,
      headers,
      definition,
      options,
      acknowledge: options?.acksLate === false ? 'early' : 'late',
      keepsResult,
      keepsErrors: keepsResult || (keepsResults && storeErrorsEvenIfIgnored),
    }
  } catch (error) {
    const { reason, message } = error as MessageRefused // readMessage throws nothing else
    return { kind: 'refusal', delivery, reason, detail: message, ...namesOf(delivery) }
  }
}

/** For the record and the log of a message whose headers can't be relied on: id and task, where they stand there as short text. */
export function namesOf({ message }: Delivery): Pick<Refusal, 'id' | 'task'> {
  const headers: unknown = message.headers
  const named = (name: string): string | undefined => {
    if (typeof headers !== 'object' || headers === null || !Object.hasOwn(headers, name)) return undefined
    const value = (headers as Record<string, unknown>)[name]
    return typeof value === 'string' && /^[^\p{Cc}]{1,255}$/u.test(value) ? value : undefined
  }
  return { id: named('id'), task: named('task') }
}
