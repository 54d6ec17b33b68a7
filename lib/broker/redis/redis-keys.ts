import { InvalidCall } from '../../base/errors.ts'

/** What all clients of one Redis must agree on; kombu's transport options of these names. */
export interface RedisLayout {
  /** Stands before every key and channel (`global_keyprefix`). @default '' */
  readonly keyPrefix: string
  /** Between a queue's name and a step of priority. @default bytes 06 16 */
  readonly separator: string
  /** The priorities that have lists of their own, rising from 0. @default [0, 3, 6, 9] */
  readonly prioritySteps: readonly number[]
  readonly unackedKey: string
  readonly unackedIndexKey: string
  /** Stands before the names of channels; `{db}` is the database's number. False for none. @default '/{db}.' */
  readonly fanoutPrefix: string
  /** Routing keys are part of the names of channels. @default true */
  readonly fanoutPatterns: boolean
  readonly db: number
}

/** Kombu's defaults. */
export const defaultLayout: RedisLayout = {
  keyPrefix: '',
  separator: '\u0006\u0016',
  prioritySteps: [0, 3, 6, 9],
  unackedKey: 'unacked',
  unackedIndexKey: 'unacked_index',
  fanoutPrefix: '/{db}.',
  fanoutPatterns: true,
  db: 0,
}

/** What a claim's key begins with: no other entry of `unacked` does. */
export const claimKeyPrefix = 'umbel:'

/**
 * Every key of the broker: its name, type, owner and lifetime.
 *
 * | key | type | owner | what, and until when |
 * | --- | --- | --- | --- |
 * | `<queue>`, `<queue>␆␖<step>` | list | kombu | waiting messages, pushed left, popped right; gone when empty |
 * | `_kombu.binding.<exchange>` | set | kombu | `routing key␆␖pattern␆␖queue`; for ever |
 * | `unacked` | hash | kombu | claim key → `[envelope, "", queue]`: claimed and parked; until settled |
 * | `unacked_index` | sorted set | kombu | claim key by the second of its last sign of life; by its due time where parked |
 * | `umbel:owner:<id>` | string | us | who claims, in words; while it lives |
 * | `umbel:owners` | sorted set | us | owner ids by the end of their leases, ms; 0 for the dead until they are empty |
 * | `umbel:claims:<id>` | hash | us | an owner's claim key → `=` or, where it runs alone, `!`, and its list; gone when empty |
 * | `umbel:suspects` | hash | us | claim key → an element that can be no message, until it is set aside; Python must not meet it |
 * | `umbel:token` | string | us | the last token; for ever |
 * | `umbel:due` | sorted set | us | lists that have parked messages, by the next due time, ms |
 * | `umbel:due:<list>` | sorted set | us | where a parked message goes, and its claim key, by due time; gone when empty |
 * | `umbel:ahead:<queue>` | sorted set | us | delivery tags of messages that wait in the list before their due time, by it |
 * | `umbel:queues` | set | us | declared queues; for ever |
 * | `umbel:exchanges` | hash | us | exchange → its type, which kombu does not keep; for ever |
 * | `umbel:fanout:<exchange>` | set | us | queues of ours that a fanout exchange leads to; for ever |
 * | `umbel:paused` | set | us | queues from which our workers take nothing; until resumed |
 * | `umbel:dead` | sorted set | us | ids of dead letters; until dropped or replayed |
 * | `umbel:dead:<queue>` | sorted set | us | the same by queue |
 * | `umbel:dead-letter:<id>` | hash | us | `about` (JSON), `raw` and `since` (ms): one dead letter |
 * | `umbel:dead-last` | string | us | the last id of a dead letter; for ever |
 * | `umbel:flush:<id>` | string | us | a flush was stored, so that a repeat is recognised; 2 minutes |
 */
export class RedisKeys {
  readonly layout: RedisLayout
  readonly unacked: string
  readonly unackedIndex: string
  readonly owners: string
  readonly suspects: string
  readonly token: string
  readonly due: string
  readonly queues: string
  readonly exchanges: string
  readonly paused: string
  readonly dead: string
  readonly deadLast: string
  /** Before a list's key. */
  readonly duePrefix: string
  /** Before a dead letter's id. */
  readonly letterPrefix: string
  readonly #ours: string
  readonly #channelPrefix: string

  constructor(layout: RedisLayout) {
    const { keyPrefix, unackedKey, unackedIndexKey, fanoutPrefix, db } = layout
    this.layout = layout
    this.unacked = keyPrefix + unackedKey
    this.unackedIndex = keyPrefix + unackedIndexKey
    this.#ours = `${keyPrefix}umbel:`
    this.#channelPrefix = keyPrefix + fanoutPrefix.replace('{db}', String(db))
    this.owners = `${this.#ours}owners`
    this.suspects = `${this.#ours}suspects`
    this.token = `${this.#ours}token`
    this.due = `${this.#ours}due`
    this.duePrefix = `${this.#ours}due:`
    this.queues = `${this.#ours}queues`
    this.exchanges = `${this.#ours}exchanges`
    this.paused = `${this.#ours}paused`
    this.dead = `${this.#ours}dead`
    this.deadLast = `${this.#ours}dead-last`
    this.letterPrefix = `${this.#ours}dead-letter:`
  }

  /** The lists of a queue, in the order in which they are served. */
  lists(queue: string): string[] {
    return this.layout.prioritySteps.map((step) => this.#list(queue, step))
  }

  /** The list for a priority, which is floored to a step. @throws {InvalidCall} for a name that can't be a queue's */
  list(queue: string, priority: number): string {
    this.checkQueue(queue)
    let step = this.layout.prioritySteps[0]!
    for (const each of this.layout.prioritySteps) if (each <= priority) step = each
    return this.#list(queue, step)
  }

  /** The queue of a list, or undefined when it is no list of a queue. */
  queueOf(list: string): string | undefined {
    const { keyPrefix, separator, prioritySteps } = this.layout
    if (!list.startsWith(keyPrefix)) return undefined
    const name = list.slice(keyPrefix.length)
    const at = name.lastIndexOf(separator)
    const queue = at < 0 ? name : name.slice(0, at)
    if (at >= 0 && !prioritySteps.includes(Number(name.slice(at + separator.length)))) return undefined
    return this.#problemOf(queue) === undefined ? queue : undefined
  }

  /** @throws {InvalidCall} for a name that would be another key, or a list of another queue */
  checkQueue(queue: string): void {
    const problem = this.#problemOf(queue)
    if (problem !== undefined)
      throw new InvalidCall(`"${queue.slice(0, 100)}" can be no queue in Redis: ${problem}. Choose another name.`)
  }

  bindings(exchange: string): string {
    return `${this.layout.keyPrefix}_kombu.binding.${exchange}`
  }

  fanout(exchange: string): string {
    return `${this.#ours}fanout:${exchange}`
  }

  owner(id: string): string {
    return `${this.#ours}owner:${id}`
  }

  claims(id: string): string {
    return `${this.#ours}claims:${id}`
  }

  dueOf(list: string): string {
    return this.duePrefix + list
  }

  ahead(queue: string): string {
    return `${this.#ours}ahead:${queue}`
  }

  deadOf(queue: string): string {
    return `${this.#ours}dead:${queue}`
  }

  letter(id: string): string {
    return this.letterPrefix + id
  }

  flush(id: string): string {
    return `${this.#ours}flush:${id}`
  }

  /** The pub/sub channel of an exchange. */
  channel(exchange: string, routingKey = ''): string {
    const isNamed = this.layout.fanoutPatterns && routingKey !== ''
    return `${this.#channelPrefix}${exchange}${isNamed ? `/${routingKey}` : ''}`
  }

  #list(queue: string, step: number): string {
    const { keyPrefix, separator } = this.layout
    return step === 0 ? keyPrefix + queue : `${keyPrefix}${queue}${separator}${step}`
  }

  #problemOf(queue: string): string | undefined {
    const { separator, unackedKey, unackedIndexKey } = this.layout
    if (queue === '') return 'it is empty'
    if (queue.includes(separator)) return 'it holds what separates a queue from a priority'
    if (queue.startsWith('umbel:') || queue.startsWith('_kombu.binding.'))
      return 'it begins as a key of ours or kombu’s'
    if (queue === unackedKey || queue === unackedIndexKey || queue === 'unacked_mutex') return 'it is a key of kombu’s'
    return undefined
  }
}
