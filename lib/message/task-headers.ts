import { DecodeError, MessageTooLarge } from '../base/errors.ts'
import { parseIsoTime } from './iso-time.ts'
import { reviveTyped } from './json-typed-values.ts'
import type { MessageLimits } from './message-limits.ts'
import type { TaskHeaders } from './task-message.ts'

type HeaderTable = Readonly<Record<string, unknown>>

/** Header names that the protocol, or the transport, has a meaning for; all others are the application's. */
const protocolNames = new Set([
  'lang',
  'task',
  'id',
  'shadow',
  'eta',
  'expires',
  'group',
  'group_index',
  'retries',
  'timelimit',
  'root_id',
  'parent_id',
  'argsrepr',
  'kwargsrepr',
  'origin',
  'ignore_result',
  'replaced_task_nesting',
  'stamped_headers',
  'stamps',
  'compression',
  'redelivered',
])

/** True for header names that an application can't use for itself. `__proto__` is one: not every reader's tables survive it. */
export function isProtocolHeader(name: string): boolean {
  return protocolNames.has(name) || name === '__proto__'
}

/**
 * Reads a table of headers, of whatever types, into known fields. Null stands for absent everywhere but in `task` and `id`.
 * @throws {DecodeError} naming the header of a wrong type
 */
export function readTaskHeaders(table: HeaderTable): TaskHeaders {
  return {
    task: taskName(table['task'], 'the task header'),
    id: requiredId(table['id']),
    shadow: text(table, 'shadow'),
    eta: time(table, 'eta'),
    expires: time(table, 'expires'),
    group: id(table, 'group'),
    groupIndex: count(table, 'group_index'),
    retries: count(table, 'retries') ?? 0,
    timeLimits: timeLimits(table['timelimit']),
    rootId: id(table, 'root_id'),
    parentId: id(table, 'parent_id'),
    argsRepr: text(table, 'argsrepr') ?? '',
    kwargsRepr: text(table, 'kwargsrepr') ?? '',
    origin: text(table, 'origin'),
    ignoreResult: flag(table, 'ignore_result'),
    replacedTaskNesting: count(table, 'replaced_task_nesting') ?? 0,
    stampedHeaders: names(table, 'stamped_headers'),
    stamps: stamps(table['stamps']),
    compression: text(table, 'compression'),
    custom: customHeaders(table),
  }
}

/**
 * Task names that are looked up here: letters, digits, `_`, `.` and `-`, as Python's module paths make them.
 * @throws {DecodeError}
 */
export function taskName(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[A-Za-z_][\w.-]{0,254}$/.test(value)) return value
  throw new DecodeError(
    `Malformed message: ${what} must be a task name (letters, digits, "_", "." and "-", at most 255), not ${shown(value)}.`,
  )
}

/**
 * Checks the size, the depth and the numbers of a headers table before anything is read from it.
 * @throws {MessageTooLarge, DecodeError}
 */
export function checkHeaderSize(table: HeaderTable, limits: MessageLimits): void {
  let characters = 0
  let isFlat = true
  for (const name in table) {
    const value = table[name]
    if (typeof value === 'number') refuseInexact(name, value)
    characters += name.length + (typeof value === 'string' ? value.length : 8)
    if (typeof value === 'object' && value !== null && !isTiny(value)) isFlat = false
  }
  // A UTF-16 unit is at most three bytes of UTF-8: most messages need no exact count.
  if (isFlat && characters * 3 <= limits.maxHeaderBytes) return
  const budget: HeaderBudget = { left: limits.maxHeaderBytes, header: '' }
  if (sizeOf(table, limits, budget) >= 0) return
  throw new MessageTooLarge(
    `The message's headers are over the limit of ${limits.maxHeaderBytes} bytes (maxHeaderSize).`,
  )
}

/** A broker's JSON has lost digits of these before we see them; better no value than another one. */
function refuseInexact(name: string, value: number): void {
  if (Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)) return
  throw new DecodeError(
    `Malformed message: the header ${JSON.stringify(name.slice(0, 60))} holds a number that headers cannot carry exactly (beyond 2^53, NaN or Infinity).`,
  )
}

/** What Celery's own headers hold at most: `[null, null]`, `[30, 20]` and `{}`. */
function isTiny(value: object): boolean {
  if (Array.isArray(value))
    return value.length <= 2 && value.every((item) => item === null || Number.isSafeInteger(item))
  for (const _ in value) return false
  return true
}

interface HeaderBudget {
  left: number
  /** The one that is being counted, for errors. */
  header: string
}

/** What is left of the budget; below zero it stops counting. */
function sizeOf(value: unknown, limits: MessageLimits, budget: HeaderBudget, depth = 0): number {
  if (typeof value === 'string') budget.left -= value.length > budget.left ? value.length : Buffer.byteLength(value)
  else if (typeof value !== 'object' || value === null) {
    if (typeof value === 'number') refuseInexact(budget.header, value)
    budget.left -= 8
  } else if (ArrayBuffer.isView(value)) budget.left -= value.byteLength
  else {
    if (depth > limits.maxDepth)
      throw new DecodeError(`Malformed message: its headers nest deeper than ${limits.maxDepth} levels.`)
    for (const [name, member] of Object.entries(value)) {
      if (depth === 0) budget.header = name
      budget.left -= name.length
      if (budget.left < 0 || sizeOf(member, limits, budget, depth + 1) < 0) break
    }
  }
  return budget.left
}

function refuse(name: string, expected: string, value: unknown): never {
  throw new DecodeError(`Malformed message: the ${name} header must be ${expected}, not ${shown(value)}.`)
}

/** A hostile value, fit for a message: its kind, or some of its text. */
export function shown(value: unknown): string {
  if (value === undefined) return 'absent'
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60))
  if (Array.isArray(value)) return 'a list'
  return value === null || typeof value !== 'object' ? String(value).slice(0, 60) : 'an object'
}

function text(table: HeaderTable, name: string): string | undefined {
  const value = table[name]
  if (typeof value === 'string') return value
  return value === undefined || value === null ? undefined : refuse(name, 'text or null', value)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point; ids go into keys, logs and terminals
const idText = /^[^\u0000-\u001f\u007f-\u009f]{1,255}$/

/** No half of a surrogate pair: stores that keep UTF-8 would take many such ids for one. */
function isId(value: unknown): value is string {
  // In lib.es2024; every supported Node has it.
  return (
    typeof value === 'string' && idText.test(value) && (value as unknown as { isWellFormed(): boolean }).isWellFormed()
  )
}

function requiredId(value: unknown): string {
  if (isId(value)) return value
  return refuse('id', 'text of 1 to 255 characters, none of them a control character or half of one', value)
}

function id(table: HeaderTable, name: string): string | undefined {
  const value = table[name]
  if (value === undefined || value === null || value === '') return undefined
  if (isId(value)) return value
  return refuse(name, 'an id (at most 255 characters, none of them a control character or half of one) or null', value)
}

function time(table: HeaderTable, name: string): number | undefined {
  const value = table[name]
  if (value === undefined || value === null) return undefined
  const ms = typeof value === 'string' ? parseIsoTime(value) : value instanceof Date ? value.getTime() : undefined
  return ms === undefined || Number.isNaN(ms) ? refuse(name, 'an ISO 8601 time or null', value) : ms
}

function count(table: HeaderTable, name: string): number | undefined {
  const value = table[name]
  if (value === undefined || value === null) return undefined
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : refuse(name, 'a whole number from 0 up, or null', value)
}

function flag(table: HeaderTable, name: string): boolean | undefined {
  const value = table[name]
  if (typeof value === 'boolean') return value
  return value === undefined || value === null ? undefined : refuse(name, 'true, false or null', value)
}

const noLimits: TaskHeaders['timeLimits'] = Object.freeze({})

function timeLimits(value: unknown): TaskHeaders['timeLimits'] {
  if (value === undefined || value === null) return noLimits
  if (!Array.isArray(value) || value.length !== 2) refuse('timelimit', '[hard, soft] or null', value)
  const hard = seconds(value[0])
  const soft = seconds(value[1])
  return hard === undefined && soft === undefined ? noLimits : { hard, soft }
}

/** Zero is no limit, as in Python, where it is false. */
function seconds(value: unknown): number | undefined {
  if (value === undefined || value === null || value === 0) return undefined
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value
  return refuse('timelimit', 'a list of two numbers of seconds, or nulls', value)
}

function names(table: HeaderTable, name: string): readonly string[] | undefined {
  const value = table[name]
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  return refuse(name, 'a list of names or null', value)
}

const nothing: Readonly<Record<string, unknown>> = Object.freeze(Object.create(null) as Record<string, unknown>)

function stamps(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return nothing
  if (typeof value !== 'object' || Array.isArray(value)) refuse('stamps', 'an object or null', value)
  return copied(value, Object.keys(value))
}

function customHeaders(table: HeaderTable): Readonly<Record<string, unknown>> {
  const custom: string[] = []
  for (const name in table) if (!protocolNames.has(name)) custom.push(name)
  return copied(table, custom)
}

/** Without a prototype, so that a key is never anything but data. */
function copied(object: object, keys: readonly string[]): Readonly<Record<string, unknown>> {
  if (keys.length === 0) return nothing
  const copy = Object.create(null) as Record<string, unknown>
  for (const key of keys) copy[key] = reviveTyped((object as Record<string, unknown>)[key])
  return copy
}
