import { DecodeError } from '../base/errors.ts'
import { newId } from '../base/task-id.ts'
import { parseIsoTime } from '../message/iso-time.ts'
import type { Embed, WireSignature } from '../message/task-message.ts'
import type { Call } from './call.ts'

/** The task that a follow-up comes after, and what is put in front of the follow-up's own arguments. */
export interface FollowedTask {
  readonly id: string
  readonly rootId: string
  /** The result of a success link or chain step, the failed id of an error link; immutable signatures take neither. */
  readonly prepend: readonly unknown[]
  /** What is left of a chain, the next step last. */
  readonly chain?: readonly WireSignature[] | undefined
  /** ms since the epoch. */
  readonly now: number
}

/** Defaults for what a signature leaves open. */
export interface NextCallDefaults {
  readonly serializer: string
  readonly compression?: string | undefined
  readonly deliveryMode: 1 | 2
  readonly priority?: number | undefined
}

/**
 * The call that a signature inside a message asks for (wire format, section 11). Only options that we know are taken; the ids are those
 * in the signature, so that a repeat of the task that sends it sends the same ids again. Pure, but for an id where the sender fixed none.
 * @throws {DecodeError} when an option is of a wrong type
 */
export function callOfSignature(signature: WireSignature, after: FollowedTask, defaults: NextCallDefaults): Call {
  const options = new OptionReader(signature)
  const countdown = options.number('countdown')
  const id = options.text('task_id') ?? newId()
  return {
    task: signature.task,
    id,
    args: signature.immutable ? signature.args : [...after.prepend, ...signature.args],
    kwargs: signature.kwargs,
    embed: embedOf(options, after),
    destination: {
      queue: options.text('queue'),
      exchange: options.text('exchange'),
      routingKey: options.text('routing_key'),
    },
    eta: countdown === undefined ? options.time('eta', after.now) : after.now + countdown * 1000,
    expires: options.time('expires', after.now),
    retries: options.number('retries') ?? 0,
    timeLimits: { hard: options.number('time_limit'), soft: options.number('soft_time_limit') },
    serializer: options.text('serializer') ?? defaults.serializer,
    compression: options.text('compression') ?? defaults.compression,
    priority: options.number('priority') ?? defaults.priority,
    deliveryMode: defaults.deliveryMode,
    ignoreResult: options.flag('ignore_result'),
    shadow: options.text('shadow'),
    group: options.text('group_id'),
    groupIndex: options.number('group_index'),
    rootId: options.text('root_id') ?? after.rootId,
    parentId: options.text('parent_id') ?? after.id,
    replyTo: options.text('reply_to'),
    replacedTaskNesting: options.number('replaced_task_nesting') ?? 0,
    stampedHeaders: options.texts('stamped_headers'),
    stamps: options.stamps(),
    headers: options.table('headers'),
    properties: {},
  }
}

function embedOf(options: OptionReader, after: FollowedTask): Embed {
  return {
    callbacks: options.signatures('link'),
    errbacks: options.signatures('link_error'),
    chain: after.chain ?? options.signatures('chain'),
    chord: options.signature('chord'),
  }
}

/** Reads a signature's options, which are whatever the sender wrote, by the types that we expect. */
class OptionReader {
  readonly #signature: WireSignature

  constructor(signature: WireSignature) {
    this.#signature = signature
  }

  text(name: string): string | undefined {
    return this.#read(name, 'text', (value) => typeof value === 'string')
  }

  number(name: string): number | undefined {
    return this.#read(name, 'a number', (value) => typeof value === 'number' && Number.isFinite(value))
  }

  flag(name: string): boolean {
    return this.#read<boolean>(name, 'true or false', (value) => typeof value === 'boolean') ?? false
  }

  texts(name: string): string[] | undefined {
    return this.#read(
      name,
      'a list of texts',
      (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    )
  }

  table(name: string): Record<string, unknown> {
    return this.#read<Record<string, unknown>>(name, 'an object', isObject) ?? {}
  }

  signature(name: string): WireSignature | undefined {
    return this.#read(name, 'a signature', isSignature)
  }

  signatures(name: string): WireSignature[] | undefined {
    const one = this.#signature.options[name]
    if (isSignature(one)) return [one]
    return this.#read(name, 'a list of signatures', (value) => Array.isArray(value) && value.every(isSignature))
  }

  /** A number of seconds from now, or ISO 8601. */
  time(name: string, now: number): number | undefined {
    const value = this.#signature.options[name]
    if (typeof value === 'number' && Number.isFinite(value)) return now + value * 1000
    if (value instanceof Date) return value.getTime()
    const text = this.text(name)
    return text === undefined ? undefined : (parseIsoTime(text) ?? this.#refuse(name, 'a time'))
  }

  /** Stamps travel flat, under the names that `stamped_headers` lists. */
  stamps(): Record<string, unknown> {
    const names = (this.texts('stamped_headers') ?? []).filter((name) => Object.hasOwn(this.#signature.options, name))
    return Object.fromEntries(names.map((name) => [name, this.#signature.options[name]]))
  }

  #read<T>(name: string, wanted: string, fits: (value: unknown) => boolean): T | undefined {
    const value = Object.hasOwn(this.#signature.options, name) ? this.#signature.options[name] : undefined
    if (value === undefined || value === null) return undefined
    return fits(value) ? (value as T) : this.#refuse(name, wanted)
  }

  #refuse(name: string, wanted: string): never {
    throw new DecodeError(`Cannot send ${this.#signature.task} as a follow-up: its option ${name} must be ${wanted}.`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSignature(value: unknown): value is WireSignature {
  return (
    isObject(value) &&
    typeof value['task'] === 'string' &&
    Array.isArray(value['args']) &&
    isObject(value['kwargs']) &&
    isObject(value['options'])
  )
}
