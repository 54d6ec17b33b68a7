import type { Claim, DeadLetter, Outgoing, QueueCounts, Settlement, SettleReply } from '../../../lib/broker/broker.ts'
import { dueTime, encodeEnvelope, namesOf, priorityOf } from '../../../lib/broker/envelope.ts'
import { type Queue, queuesOf } from '../../../lib/broker/queue.ts'
import { Unroutable } from '../../../lib/index.ts'
import type { WireMessage } from '../../../lib/message/wire-message.ts'
import type { StoredRecord } from '../../../lib/result/result-record.ts'

/** One message in one queue, wherever it is. */
export interface FakeEntry {
  readonly key: number
  readonly queue: string
  readonly envelope: string
  readonly message: WireMessage
  readonly id: string
  readonly priority: number
  position: number
  place: 'waiting' | 'scheduled' | 'claimed' | 'dead' | 'gone'
  due: number
  token: number
  owner: FakeOwner | undefined
  losses: number
  returns: number
  firstReturnedAt: number | undefined
  wasDelivered: boolean
  /** Who could not use it, and until when others are first. */
  yields: { readonly owner: FakeOwner; readonly until: number } | undefined
}

/** Who claims. */
export interface FakeOwner {
  readonly name: string
}

/** A message that was checked and encoded: nothing about it can fail any more. */
export interface Placed {
  readonly envelope: string
  readonly message: WireMessage
  readonly queues: readonly string[]
  readonly priority: number
  readonly due: number | undefined
}

/** Told of everything that happens in the store, after it has happened: where a simulation looks. */
export interface StoreAudit {
  stored?(entry: FakeEntry, by: unknown): void
  claimed?(entry: FakeEntry): void
  settled?(entry: FakeEntry, settlement: Settlement, by: unknown): void
  lost?(settlement: Settlement, by: unknown): void
  recovered?(entry: FakeEntry): void
  kept?(record: StoredRecord, by: unknown): void
  /** One act is over, with all its parts. */
  acted?(): void
}

/**
 * Every message of a fake broker, in the plainest way that does what the contract says: one list a queue, looked through each time.
 * Shares no code with the real stores but the envelope.
 */
export class FakeMessages {
  readonly entries = new Set<FakeEntry>()
  readonly dead = new Map<string, { readonly entry: FakeEntry; readonly letter: DeadLetter }>()
  readonly declared = new Map<string, Queue>()
  readonly known = new Set<string>()
  readonly paused = new Set<string>()
  readonly audit: StoreAudit
  readonly #now: () => number
  readonly #share: () => number
  readonly #valid = new Map<number, FakeEntry>()
  #sequence = 0
  #token = 0

  /** @param share how much of its wait what has lost workers waits: from half of it to all */
  constructor(now: () => number, audit: StoreAudit, share: () => number) {
    this.#now = now
    this.audit = audit
    this.#share = share
  }

  place(messages: readonly Outgoing[]): Placed[] {
    return messages.map(({ message, route, notBefore }) => {
      const queues = queuesOf(route, this.declared.values())
      if (queues.length === 0) throw new Unroutable(`No queue takes ${route.exchange} ${route.routingKey}.`)
      const envelope = encodeEnvelope(message, route, route.routingKey)
      return { envelope, message, queues, priority: priorityOf(message), due: dueTime(notBefore, this.#now()) }
    })
  }

  add(messages: readonly Placed[], by?: unknown): void {
    for (const { queues, due, ...rest } of messages)
      for (const queue of queues) {
        this.known.add(queue)
        const key = ++this.#sequence
        const id = namesOf(rest.message).taskId ?? ''
        const entry: FakeEntry = { ...rest, ...fresh, key, queue, id, position: key, due: due ?? 0 }
        if (due !== undefined) entry.place = 'scheduled'
        this.entries.add(entry)
        this.audit.stored?.(entry, by)
      }
  }

  /** Something scheduled has come due. */
  get isDue(): boolean {
    const due = this.earliestDue
    return due !== undefined && due <= this.#now()
  }

  /** Scheduled messages whose time has come are waiting. */
  promote(): void {
    const now = this.#now()
    const due = [...this.entries].filter((entry) => entry.place === 'scheduled' && entry.due <= now)
    for (const entry of due.sort((a, b) => a.due - b.due || a.key - b.key)) {
      entry.place = 'waiting'
      if (!entry.wasDelivered) entry.position = ++this.#sequence
    }
  }

  get earliestDue(): number | undefined {
    let earliest: number | undefined
    for (const { place, due } of this.entries)
      if (place === 'scheduled' && (earliest === undefined || due < earliest)) earliest = due
    return earliest
  }

  /** What a queue would give next, in order. */
  waiting(queue: string, owner: FakeOwner): FakeEntry[] {
    if (this.paused.has(queue)) return []
    const now = this.#now()
    return [...this.entries]
      .filter(({ place, queue: of, yields }) => {
        return place === 'waiting' && of === queue && !(yields?.owner === owner && now < yields.until)
      })
      .sort((a, b) => a.priority - b.priority || a.position - b.position)
  }

  claim(entry: FakeEntry, owner: FakeOwner): void {
    entry.place = 'claimed'
    entry.owner = owner
    entry.token = ++this.#token
    this.#valid.set(entry.token, entry)
    this.audit.claimed?.(entry)
  }

  holderOf({ token }: Claim): FakeOwner | undefined {
    return this.#valid.get(token)?.owner
  }

  settle(settlement: Settlement, follow: readonly Placed[], by?: unknown, yieldMs = 0): SettleReply {
    const entry = this.#valid.get(settlement.claim.token)
    if (entry === undefined) {
      this.audit.lost?.(settlement, by)
      return 'lost'
    }
    const { disposition, counted } = settlement
    const due = dueTime(settlement.notBefore, this.#now())
    const { owner } = entry
    this.#free(entry)
    if (disposition === 'done') this.#remove(entry)
    else if (disposition === 'dead-letter') this.#setAside(entry, settlement)
    else {
      entry.place = due === undefined ? 'waiting' : 'scheduled'
      entry.due = due ?? 0
      if (disposition === 'park') Object.assign(entry, unseen, { position: ++this.#sequence })
      else {
        entry.wasDelivered = true
        if (counted === 'loss') entry.losses++
        if (counted === 'return') {
          entry.returns++
          entry.firstReturnedAt ??= this.#now()
          entry.yields = owner === undefined ? undefined : { owner, until: Math.max(this.#now(), entry.due) + yieldMs }
        }
      }
    }
    this.add(follow, by)
    this.audit.settled?.(entry, settlement, by)
    return 'settled'
  }

  /** What an owner held comes back, each with one loss more, and from the second on after a while; how many. */
  recover(owner: FakeOwner): number {
    const held = this.heldBy(owner)
    for (const entry of held) {
      this.#free(entry)
      entry.wasDelivered = true
      entry.losses++
      const waitMs = longestWaitMs(entry.losses) * this.#share()
      entry.place = waitMs > 0 ? 'scheduled' : 'waiting'
      entry.due = waitMs > 0 ? this.#now() + Math.round(waitMs) : 0
      this.audit.recovered?.(entry)
    }
    return held.length
  }

  heldBy(owner: FakeOwner): FakeEntry[] {
    return [...this.#valid.values()].filter((entry) => entry.owner === owner)
  }

  counts(): QueueCounts[] {
    const now = this.#now()
    const placeOf = ({ place, due }: FakeEntry): string => (place === 'scheduled' && due <= now ? 'waiting' : place)
    const of = (queue: string, place: FakeEntry['place']): number =>
      [...this.entries].filter((entry) => entry.queue === queue && placeOf(entry) === place).length
    return [...new Set([...this.known, ...this.declared.keys()])].sort().map((queue) => ({
      queue,
      waiting: of(queue, 'waiting'),
      scheduled: of(queue, 'scheduled'),
      claimed: of(queue, 'claimed'),
      dead: [...this.dead.values()].filter(({ entry }) => entry.queue === queue).length,
      paused: this.paused.has(queue),
    }))
  }

  purge(queue: string): number {
    const unwanted = [...this.entries].filter(
      ({ queue: of, place }) => of === queue && (place === 'waiting' || place === 'scheduled'),
    )
    for (const entry of unwanted) this.#remove(entry)
    return unwanted.length
  }

  replay(letterId: string): boolean {
    const dead = this.dead.get(letterId)
    if (dead === undefined) return false
    this.dead.delete(letterId)
    const { envelope, message, priority, queue } = dead.entry
    this.add([{ envelope, message, priority, queues: [queue], due: undefined }])
    return true
  }

  #free(entry: FakeEntry): void {
    this.#valid.delete(entry.token)
    entry.owner = undefined
  }

  #remove(entry: FakeEntry): void {
    entry.place = 'gone'
    this.entries.delete(entry)
  }

  #setAside(entry: FakeEntry, { reason = 'rejected', detail = '' }: Settlement): void {
    this.entries.delete(entry)
    entry.place = 'dead'
    const id = String(++this.#sequence)
    const letter: DeadLetter = {
      id,
      queue: entry.queue,
      reason,
      detail,
      deadSince: this.#now(),
      ...namesOf(entry.message),
      raw: new TextEncoder().encode(entry.envelope),
      message: entry.message,
    }
    this.dead.set(id, { entry, letter })
  }
}

/** How long what has lost so many workers is held back at most; at least half as long. */
export function longestWaitMs(losses: number): number {
  return losses < 2 ? 0 : Math.min(60_000, 250 * 2 ** (losses - 2))
}

const unseen = { losses: 0, returns: 0, firstReturnedAt: undefined, wasDelivered: false, yields: undefined }
const fresh = { ...unseen, place: 'waiting' as FakeEntry['place'], token: 0, owner: undefined }
