import type { DeadLetterReason } from '../../lib/broker/broker.ts'
import type { MessageSpec, RecordState, SettleSpec } from './steps.ts'

/** What a store should hold, kept in the plainest way: one object for each message in each queue, and where it is. */

/** Who claims. All times are of the machine's clock. */
export interface Owner {
  readonly name: string
  isGone: boolean
  /** Before this nobody may take its claims, as long as it isn't gone. */
  safeUntil: number
  /** By this somebody must have taken them. */
  lostBy: number
}

export type Place = 'waiting' | 'scheduled' | 'claimed' | 'dead' | 'done' | 'purged' | 'dropped'

export interface History {
  readonly losses: number
  readonly returns: number
  readonly firstReturnedAt?: number | undefined
}

/** One message in one queue. */
export interface Entry {
  /** `<task id>@<queue>` */
  readonly key: string
  readonly id: string
  readonly queue: string
  readonly priority: number
  /** ms since the epoch. */
  readonly expires: number | undefined
  place: Place
  /**
   * Between which events it came to the end of its queue: the same number twice where that is known; apart where a store may do it
   * sooner or later (a due time that has passed).
   */
  from: number
  to: number
  /** Of a scheduled one, ms since the epoch. */
  due: number | undefined
  /** The due time by which it came to the end of its queue. */
  floatedBy: number | undefined
  /** The due time has passed once: from then on it may be delivered. */
  isMature: boolean
  /** Undefined while it was never delivered, or is to be as if it weren't. */
  history: History | undefined
  token: number | undefined
  owner: Owner | undefined
  lastToken: number
  reason: DeadLetterReason | undefined
}

export interface RecordSeen {
  readonly state: string
  readonly document: string
}

const finals = new Set(['SUCCESS', 'FAILURE', 'REVOKED'])
const ended = new Set<Place>(['done', 'purged', 'dropped'])

/** A message about to be accepted, with its names. */
export interface Incoming {
  readonly id: string
  readonly spec: MessageSpec
}

export class StoreModel {
  readonly entries = new Map<string, Entry>()
  readonly records = new Map<string, RecordSeen>()
  readonly paused = new Set<string>()
  isDeclared = false
  #events = 0
  #now = 0

  /** How much has happened. */
  get events(): number {
    return this.#events
  }

  /** What came to the end of its queue since then did so in any order. */
  anyOrderSince(start: number): void {
    const to = ++this.#events
    for (const entry of this.entries.values())
      if (entry.from > start) Object.assign(entry, { from: start, to: Math.max(to, entry.to) })
  }

  /** The queues that a target leads to. */
  queuesOf(to: MessageSpec['to']): readonly string[] {
    if (to === 'nowhere') return []
    if (to === 'fan') return this.isDeclared ? ['q0', 'q1'] : []
    if (to === 'topic') return this.isDeclared ? ['q2'] : []
    return [to]
  }

  areRoutable(specs: readonly MessageSpec[]): boolean {
    return specs.every(({ to }) => this.queuesOf(to).length > 0)
  }

  accept(messages: readonly Incoming[], now: number): void {
    for (const { id, spec } of messages) {
      const place = ++this.#events
      for (const queue of this.queuesOf(spec.to)) {
        const entry: Entry = {
          key: `${id}@${queue}`,
          id,
          queue,
          priority: spec.priority ?? 0,
          expires: spec.expiresIn === undefined ? undefined : now + spec.expiresIn,
          place: 'waiting',
          from: place,
          to: place,
          due: undefined,
          floatedBy: undefined,
          isMature: false,
          history: undefined,
          token: undefined,
          owner: undefined,
          lastToken: 0,
          reason: undefined,
        }
        this.entries.set(entry.key, entry)
        if (spec.dueIn !== undefined && spec.dueIn > 0) this.#schedule(entry, Math.ceil(now + spec.dueIn))
      }
    }
  }

  /** The wall clock shows this now. */
  timeIs(now: number): void {
    this.#now = now
    const event = ++this.#events
    for (const entry of this.entries.values()) {
      if (entry.place !== 'scheduled' || entry.isMature || entry.due! > now) continue
      entry.isMature = true
      // What was delivered before keeps its place; anything else goes to the end, from now on at any time.
      if (entry.history !== undefined) continue
      entry.floatedBy = entry.due
      entry.from = event
      entry.to = Number.POSITIVE_INFINITY
    }
  }

  /** It was seen to be in its queue. */
  promoted(entry: Entry): void {
    entry.place = 'waiting'
    entry.due = undefined
    if (entry.to === Number.POSITIVE_INFINITY) entry.to = ++this.#events
  }

  claimed(entry: Entry, token: number, owner: Owner): void {
    if (entry.place === 'scheduled') this.promoted(entry)
    entry.place = 'claimed'
    entry.token = token
    entry.lastToken = token
    entry.owner = owner
  }

  /** Its owner is gone or lapsed. */
  lost(entry: Entry): void {
    this.#free(entry)
    entry.place = 'waiting'
    entry.history = counted(entry.history, 'loss', 0)
  }

  /** Having lost workers before, it waits until then. */
  postponed(entry: Entry, due: number): void {
    this.#schedule(entry, due)
    // It may have been seen late.
    entry.isMature = due <= this.#now
  }

  /** What becomes of the claimed messages of one batch, and what they send; `now` is the wall clock. */
  settle(
    settled: readonly { readonly entry: Entry; readonly spec: SettleSpec }[],
    follow: readonly Incoming[],
    now: number,
  ): void {
    const from = ++this.#events
    for (const { entry, spec } of settled) {
      this.#free(entry)
      if (spec.how === 'done') entry.place = 'done'
      else if (spec.how === 'dead-letter') {
        entry.place = 'dead'
        entry.reason = 'rejected'
      } else {
        entry.place = 'waiting'
        entry.history = spec.how === 'park' ? undefined : counted(entry.history, spec.counted, now)
        if (spec.dueIn !== undefined && spec.dueIn > 0) this.#schedule(entry, Math.ceil(now + spec.dueIn))
      }
    }
    this.accept(follow, now)
    const to = ++this.#events
    // Parked and sent in one act, in any order.
    for (const { entry, spec } of settled)
      if (spec.how === 'park') Object.assign(entry, { from, to, floatedBy: undefined })
  }

  /** Set aside by the worker that was given it. */
  died(entry: Entry, reason: DeadLetterReason): void {
    this.#free(entry)
    entry.place = 'dead'
    entry.reason = reason
  }

  finished(entry: Entry): void {
    this.#free(entry)
    entry.place = 'done'
  }

  purge(queue: string): number {
    const gone = [...this.entries.values()].filter(
      (entry) => entry.queue === queue && (entry.place === 'waiting' || entry.place === 'scheduled'),
    )
    for (const entry of gone) entry.place = 'purged'
    return gone.length
  }

  replay(entry: Entry): void {
    entry.place = 'waiting'
    entry.history = undefined
    entry.reason = undefined
    entry.from = entry.to = ++this.#events
    entry.floatedBy = undefined
  }

  /** A final record stays. */
  keep(id: string, record: RecordSeen): void {
    if (!finals.has(this.records.get(id)?.state ?? '')) this.records.set(id, record)
  }

  /** What has not come to its end, dead letters aside. */
  alive(): Entry[] {
    return [...this.entries.values()].filter(({ place }) => !ended.has(place) && place !== 'dead')
  }

  inPlace(place: Place): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.place === place)
  }

  /** What may be delivered from the queues. */
  claimable(queues: readonly string[]): Entry[] {
    return [...this.entries.values()].filter(
      ({ place, isMature, queue }) =>
        (place === 'waiting' || (place === 'scheduled' && isMature)) &&
        queues.includes(queue) &&
        !this.paused.has(queue),
    )
  }

  #schedule(entry: Entry, due: number): void {
    entry.place = 'scheduled'
    entry.due = due
    entry.isMature = false
  }

  #free(entry: Entry): void {
    entry.token = undefined
    entry.owner = undefined
  }
}

/** True when the first of two messages that wait in one queue has to be delivered before the other. */
export function mustPrecede(a: Entry, b: Entry): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority
  if (a.to < b.from) return true
  if (b.to < a.from) return false
  // Both came due, so neither can have been made ready before the one that was due first.
  return a.floatedBy !== undefined && b.floatedBy !== undefined && a.floatedBy < b.floatedBy
}

export function documentOf(id: string, state: RecordState | string, number: number): RecordSeen {
  return { state, document: `{"of":"${id}","number":${number}}` }
}

function counted(history: History | undefined, how: SettleSpec['counted'], now: number): History {
  const { losses, returns, firstReturnedAt } = history ?? { losses: 0, returns: 0 }
  if (how === 'loss') return { losses: losses + 1, returns, firstReturnedAt }
  if (how === 'return') return { losses, returns: returns + 1, firstReturnedAt: firstReturnedAt ?? now }
  return { losses, returns, firstReturnedAt }
}
