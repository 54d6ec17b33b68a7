import { InvalidCall } from '../base/errors.ts'
import type { WireSignature } from '../message/task-message.ts'
import { isTable, isWireName, shown } from './plain-value.ts'

/**
 * A signature's plain data (wire format, section 11), checked for its shape and copied, unknown keys kept. What is absent is filled in
 * as Celery's own constructor does.
 * @param what where it stands, as the error shall begin: `link of "math.add"`
 * @throws {InvalidCall}
 */
export function readWireSignature(data: unknown, what: string): WireSignature {
  if (!isTable(data)) throw new InvalidCall(`${what} must be a signature, not ${shown(data)}. ${howToMakeOne}`)
  const wrong = keys.find(({ name, fits }) => !fits(data[name]))
  if (wrong !== undefined)
    throw new InvalidCall(
      `${what} is no signature: its ${wrong.name} must be ${wrong.wanted}, not ${shown(data[wrong.name])}. ${howToMakeOne}`,
    )
  return {
    ...data,
    task: data['task'] as string,
    args: [...((data['args'] ?? []) as unknown[])],
    // A spread defines properties, so that a key named __proto__ stays a key.
    kwargs: { ...(data['kwargs'] as object | undefined) },
    options: { ...(data['options'] as object | undefined) },
    subtask_type: (data['subtask_type'] as string | undefined) ?? null,
    immutable: (data['immutable'] as boolean | undefined) ?? false,
  }
}

const howToMakeOne = 'Make one with task.s(…) or task.si(…).'

const absentOr = (fits: (value: unknown) => boolean) => (value: unknown) =>
  value === undefined || value === null || fits(value)

const keys: readonly { name: string; wanted: string; fits: (value: unknown) => boolean }[] = [
  { name: 'task', wanted: 'a name of 1 to 255 characters', fits: isWireName },
  { name: 'args', wanted: 'a list', fits: absentOr(Array.isArray) },
  { name: 'kwargs', wanted: 'an object', fits: absentOr(isTable) },
  { name: 'options', wanted: 'an object', fits: absentOr(isTable) },
  { name: 'subtask_type', wanted: 'text or null', fits: absentOr((value) => typeof value === 'string') },
  { name: 'immutable', wanted: 'true or false', fits: absentOr((value) => typeof value === 'boolean') },
]
