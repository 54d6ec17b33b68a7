import { inspect, types } from 'node:util'

/** Characters that an error's arguments, and its traceback, may take in a record each. */
export const maxErrorText = 64 * 1024

/** What anything thrown says of itself; at most `maxLength` characters. Never throws, whatever getters and proxies do. */
export function textOf(value: unknown, maxLength = maxErrorText): string {
  if (typeof value === 'string') return cut(value, maxLength)
  try {
    if (types.isNativeError(value)) return cut(String(value.message), maxLength)
    const text = inspect(value, {
      depth: 3,
      breakLength: Number.POSITIVE_INFINITY,
      maxArrayLength: 50,
      maxStringLength: 1000,
      customInspect: false,
    })
    return cut(text, maxLength)
  } catch {
    return 'something that cannot be shown'
  }
}

/**
 * Arguments of an error as every serializer of ours can carry them: JSON's own types, nested a few levels; anything else is its text.
 * All together at most {@link maxErrorText} characters, the rest is cut. May throw where a getter does.
 */
export function boundedArgs(args: readonly unknown[]): unknown[] {
  const budget = { left: maxErrorText }
  return args.slice(0, 100).map((arg) => bounded(arg, 0, budget))
}

const deepest = 6

function bounded(value: unknown, depth: number, budget: { left: number }): unknown {
  budget.left -= 8
  if (budget.left <= 0) return '…'
  switch (typeof value) {
    case 'string':
      return charged(value, budget)
    case 'boolean':
    case 'number':
      return value
    case 'undefined':
      return null
    case 'bigint':
      // As many bits as MessagePack has.
      return BigInt.asIntN(64, value) === value ? value : charged(String(value), budget)
    case 'object':
      return value === null ? null : boundedObject(value, depth, budget)
    default:
      return charged(textOf(value), budget)
  }
}

function boundedObject(value: object, depth: number, budget: { left: number }): unknown {
  if (types.isProxy(value) || depth >= deepest) return charged(textOf(value), budget)
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (let index = 0; index < value.length && budget.left > 0; index++)
      items.push(bounded(value[index], depth + 1, budget))
    return items
  }
  const prototype = Object.getPrototypeOf(value)
  // An object with __type__ might be taken for a typed value of Celery's.
  if ((prototype !== Object.prototype && prototype !== null) || '__type__' in value)
    return charged(plainTextOf(value), budget)
  const members: [string, unknown][] = []
  for (const key of Object.keys(value)) {
    if (budget.left <= 0) break
    members.push([charged(key, budget), bounded((value as Record<string, unknown>)[key], depth + 1, budget)])
  }
  return Object.fromEntries(members)
}

function plainTextOf(value: object): string {
  return types.isDate(value) && !Number.isNaN(value.getTime()) ? value.toISOString() : textOf(value)
}

function charged(text: string, budget: { left: number }): string {
  const shown = cut(text, budget.left)
  budget.left -= shown.length
  return shown
}

function cut(text: string, maxLength: number): string {
  const shown = text.length <= maxLength ? text : `${text.slice(0, Math.max(0, maxLength - 1))}…`
  // In lib.es2024; every supported Node has it. A lone surrogate (of the cut, or the sender's) has no UTF-8.
  return (shown as unknown as { toWellFormed(): string }).toWellFormed()
}
