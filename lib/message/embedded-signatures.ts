import { DecodeError, MessageTooLarge, NotSupported } from '../base/errors.ts'
import { taskName } from './task-headers.ts'
import type { Embed, WireSignature } from './task-message.ts'

const noEmbed: Embed = Object.freeze({})

/**
 * Checks the signatures that a body carries, and those inside them; nothing of them is run here.
 * @param embed the third element of a body: an object, or null
 * @param maxSignatures the most in one list; ten times as many in the message, nested ones included
 * @throws {DecodeError} naming what has the wrong shape
 * @throws {MessageTooLarge} more signatures than a message may have
 * @throws {NotSupported} for a chord, which this version can't complete
 */
export function readEmbed(embed: unknown, maxSignatures: number): Embed {
  if (embed === null || embed === undefined) return noEmbed
  if (!isObject(embed)) refuse('the third element of the body', 'an object or null', embed)
  const { callbacks, errbacks, chain, chord } = embed
  if (isAbsent(callbacks) && isAbsent(errbacks) && isAbsent(chain) && isAbsent(chord)) return noEmbed
  if (!isAbsent(chord))
    throw new NotSupported(
      'The message is part of a chord, which this version cannot complete. Run chords on Python workers.',
    )
  const counter = { maxSignatures, left: maxSignatures * 10 }
  return {
    callbacks: signatureList(callbacks, 'callbacks', counter),
    errbacks: signatureList(errbacks, 'errbacks', counter),
    chain: signatureList(chain, 'chain', counter),
    chord: null,
  }
}

/**
 * Refuses a list that no reader with the same limits would take.
 * @throws {MessageTooLarge}
 */
export function checkSignatureCount(embed: Embed, maxSignatures: number): void {
  for (const where of ['callbacks', 'errbacks', 'chain'] as const) checkLength(embed[where] ?? [], where, maxSignatures)
}

function checkLength(list: readonly unknown[], where: string, most: number): void {
  if (list.length > most)
    throw new MessageTooLarge(
      `The message has ${list.length} signatures in its ${where}; the most is ${most} (maxSignatures).`,
    )
}

interface Counter {
  readonly maxSignatures: number
  left: number
}

function signatureList(value: unknown, where: string, counter: Counter): readonly WireSignature[] | null {
  if (isAbsent(value)) return null
  if (!Array.isArray(value)) refuse(where, 'a list of signatures or null', value)
  checkLength(value, where, counter.maxSignatures)
  return value.map((item, index) => signature(item, `${where}[${index}]`, counter))
}

function signature(value: unknown, where: string, counter: Counter): WireSignature {
  if (!isObject(value)) refuse(where, 'a signature', value)
  if (--counter.left < 0)
    throw new MessageTooLarge(
      `The message has more than ${counter.maxSignatures * 10} signatures inside each other, ten times maxSignatures.`,
    )
  const { task, args, kwargs, options, subtask_type: subtaskType = null, immutable = false } = value
  taskName(task, `the task of ${where}`)
  if (!Array.isArray(args)) refuse(`${where}.args`, 'a list', args)
  if (!isObject(kwargs)) refuse(`${where}.kwargs`, 'an object', kwargs)
  if (!isObject(options)) refuse(`${where}.options`, 'an object', options)
  if (subtaskType !== null && typeof subtaskType !== 'string')
    refuse(`${where}.subtask_type`, 'text or null', subtaskType)
  if (immutable !== null && typeof immutable !== 'boolean') refuse(`${where}.immutable`, 'true or false', immutable)
  checkInner(options, ['link', 'link_error', 'chain', 'chord'], `${where}.options`, counter)
  if (subtaskType === 'chain' || subtaskType === 'group') checkInner(kwargs, ['tasks'], `${where}.kwargs`, counter)
  if (subtaskType === 'chord') checkInner(kwargs, ['header', 'body'], `${where}.kwargs`, counter)
  if (value['subtask_type'] === subtaskType && value['immutable'] === immutable && immutable !== null)
    return value as unknown as WireSignature
  return { ...(value as unknown as WireSignature), subtask_type: subtaskType, immutable: immutable ?? false }
}

/** Where signatures hold others: one, or a list of them. */
function checkInner(holder: Record<string, unknown>, names: readonly string[], where: string, counter: Counter): void {
  for (const name of names) {
    const inner = Object.hasOwn(holder, name) ? holder[name] : undefined
    if (isAbsent(inner)) continue
    if (!Array.isArray(inner)) signature(inner, `${where}.${name}`, counter)
    else for (const [index, item] of inner.entries()) signature(item, `${where}.${name}[${index}]`, counter)
  }
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

/** True for a decoded JSON object; dates, bytes and typed values are none. */
function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function refuse(what: string, expected: string, value: unknown): never {
  const given = Array.isArray(value)
    ? 'a list'
    : value === null
      ? 'null'
      : typeof value === 'object'
        ? 'another object'
        : typeof value
  throw new DecodeError(`Malformed message: ${what} must be ${expected}, not ${given}.`)
}
