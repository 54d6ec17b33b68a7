import type { Clock } from '../../base/clock.ts'
import { DecodeError, Unroutable } from '../../base/errors.ts'
import type { Claim, DeadLetter, Delivery, Outgoing, QueueCounts, Settlement } from '../broker.ts'
import { afterLossAt, oneMore } from '../delivery-history.ts'
import { decodeEnvelope, dueTime, type Envelope, encodeEnvelope, namesOf, priorityOf } from '../envelope.ts'
import { type Queue, queuesOf, type Route } from '../queue.ts'
import { BinaryHeap } from './binary-heap.ts'
import { type MemoryEntry, MemoryQueue } from './memory-queue.ts'

/** A message that was encoded and routed: nothing about it can fail any more. */
export interface PlacedMessage {
  readonly envelope: string
  readonly queues: readonly MemoryQueue[]
  readonly priority: number
  readonly due: number | undefined
}

interface Held<Holder> {
  readonly entry: MemoryEntry
  readonly holder: Holder
}

interface Dead {
  readonly entry: MemoryEntry
  readonly letter: DeadLetter
}

/** A message and where it is. */
export interface KeptMessage<Holder> {
  readonly entry: MemoryEntry
  readonly place: 'waiting' | 'scheduled' | 'claimed' | 'dead'
  /** Of a claim. */
  readonly token?: number
  readonly holder?: Holder
}

/** How much a consumer may claim. */
export interface ClaimRoom {
  readonly count: number
  readonly bytes: number
  /** It holds nothing: then one message may be larger than `bytes`. */
  readonly isEmpty: boolean
}

/** Every message in memory and where it is: waiting, parked, claimed or set aside. Plain state; who is told of changes is the broker's. */
export class MemoryMessages<Holder> {
  readonly #clock: Clock
  readonly #queues = new Map<string, MemoryQueue>()
  readonly #declared = new Map<string, Queue>()
  readonly #parked = new BinaryHeap<MemoryEntry>((a, b) => a.due < b.due || (a.due === b.due && a.id < b.id))
  readonly #claims = new Map<number, Held<Holder>>()
  /** Claims that were taken back, until their holders learn of it. */
  readonly #lost = new Map<number, Holder>()
  readonly #dead = new Map<number, Dead>()
  #sequence = 0
  #token = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  queue(name: string): MemoryQueue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = new MemoryQueue(name)
      this.#queues.set(name, queue)
    }
    return queue
  }

  declare(queue: Queue): void {
    this.queue(queue.name)
    this.#declared.set(queue.name, queue)
  }

  /** @throws {Unserializable, InvalidCall, Unroutable} */
  place(messages: readonly Outgoing[]): PlacedMessage[] {
    const now = this.#clock.now()
    return messages.map(({ message, route, notBefore }) => ({
      envelope: encodeEnvelope(message, route, route.routingKey),
      queues: this.#destinations(route),
      priority: priorityOf(message),
      due: dueTime(notBefore, now),
    }))
  }

  add(messages: readonly PlacedMessage[]): void {
    for (const { envelope, queues, priority, due } of messages) {
      for (const queue of queues) {
        const id = ++this.#sequence
        const entry: MemoryEntry = { id, queue, envelope, priority, position: id, history: undefined, due: due ?? 0 }
        if (due === undefined) queue.append(entry)
        else this.#park(entry)
      }
    }
  }

  /** When the next parked message becomes due. */
  get earliestDue(): number | undefined {
    return this.#parked.peek()?.due
  }

  promoteDue(): void {
    const now = this.#clock.now()
    for (let next = this.#parked.peek(); next !== undefined && next.due <= now; next = this.#parked.peek()) {
      this.#parked.pop()
      next.queue.scheduled--
      this.#makeReady(next)
    }
  }

  /** Claims from the queues in the order given, an equal share each; what one leaves goes to those that have more. */
  claim(queues: readonly MemoryQueue[], { count, bytes, isEmpty }: ClaimRoom, holder: Holder): Delivery[] {
    this.promoteDue()
    let bytesLeft = bytes
    const deliveries: Delivery[] = []
    let open = queues.filter((queue) => queue.size > 0 && !queue.isPaused)
    for (let left = count; left > 0 && open.length > 0; left = count - deliveries.length) {
      for (const [index, queue] of open.entries()) {
        const share = Math.ceil((count - deliveries.length) / (open.length - index))
        for (let i = 0; i < share; i++) {
          const next = queue.peek()
          if (next === undefined) break
          // What comes next of a queue is never passed over for something smaller behind it.
          if (next.envelope.length > bytesLeft && !(isEmpty && deliveries.length === 0)) return deliveries
          bytesLeft -= next.envelope.length
          const delivery = this.#hold(queue.take()!, holder)
          if (delivery !== undefined) deliveries.push(delivery)
        }
      }
      open = open.filter((queue) => queue.size > 0)
    }
    return deliveries
  }

  /** True while the claim is valid. */
  isValid({ token }: Claim): boolean {
    return this.#claims.has(token)
  }

  /** Size of the message of a valid claim. */
  sizeOf({ token }: Claim): number {
    return this.#claims.get(token)?.entry.envelope.length ?? 0
  }

  /** Who holds a claim, or held it and has not learnt that it is lost; from now on it has. */
  holderOf({ token }: Claim): Holder | undefined {
    const lost = this.#lost.get(token)
    this.#lost.delete(token)
    return lost ?? this.#claims.get(token)?.holder
  }

  /** Ends a valid claim in the way asked for. */
  settle(settlement: Settlement): void {
    const { claim, disposition, notBefore, counted } = settlement
    const { entry } = this.#claims.get(claim.token)!
    const due = dueTime(notBefore, this.#clock.now())
    this.#claims.delete(claim.token)
    entry.queue.claimed--
    if (disposition === 'done') return
    if (disposition === 'dead-letter') {
      this.#setAside(entry, settlement)
      return
    }
    entry.history = disposition === 'park' ? undefined : oneMore(entry.history, counted, this.#clock.now())
    entry.due = due ?? 0
    if (due === undefined) this.#makeReady(entry)
    else this.#park(entry)
  }

  /** Gives back what a holder has lost, each with one loss more. */
  recover(holder: Holder): void {
    for (const [token, held] of this.#claims) {
      if (held.holder !== holder) continue
      this.#claims.delete(token)
      this.#lost.set(token, holder)
      held.entry.queue.claimed--
      const now = this.#clock.now()
      held.entry.history = oneMore(held.entry.history, 'loss', now)
      const due = afterLossAt(held.entry.history, held.entry.id, now)
      held.entry.due = due ?? 0
      if (due === undefined) this.#makeReady(held.entry)
      else this.#park(held.entry)
    }
  }

  counts(): QueueCounts[] {
    this.promoteDue()
    const dead = new Map<MemoryQueue, number>()
    for (const { entry } of this.#dead.values()) dead.set(entry.queue, (dead.get(entry.queue) ?? 0) + 1)
    return [...this.#queues.values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((queue) => ({
        queue: queue.name,
        waiting: queue.size,
        scheduled: queue.scheduled,
        claimed: queue.claimed,
        dead: dead.get(queue) ?? 0,
        paused: queue.isPaused,
      }))
  }

  /** Everything that is kept, in no order: for tests that compare it with a model. */
  *contents(): IterableIterator<KeptMessage<Holder>> {
    for (const queue of this.#queues.values()) for (const entry of queue.entries()) yield { entry, place: 'waiting' }
    for (const entry of this.#parked.items()) yield { entry, place: 'scheduled' }
    for (const [token, { entry, holder }] of this.#claims) yield { entry, place: 'claimed', token, holder }
    for (const { entry } of this.#dead.values()) yield { entry, place: 'dead' }
  }

  purge(name: string): number {
    const queue = this.#queues.get(name)
    if (queue === undefined) return 0
    queue.scheduled = 0
    return queue.clear() + this.#parked.removeAll((entry) => entry.queue === queue)
  }

  deadLetters(): DeadLetter[] {
    return [...this.#dead.values()].map(({ letter }) => letter)
  }

  /** To the end of its queue, as new; false when there is none of that id. */
  replayDead(id: string): boolean {
    const dead = this.#dead.get(Number(id))
    if (dead === undefined) return false
    this.#dead.delete(Number(id))
    const { queue, envelope, priority } = dead.entry
    this.add([{ envelope, queues: [queue], priority, due: undefined }])
    return true
  }

  dropDead(id: string): boolean {
    return this.#dead.delete(Number(id))
  }

  #destinations(route: Route): MemoryQueue[] {
    const names = queuesOf(route, this.#declared.values())
    if (names.length === 0)
      throw new Unroutable(
        `Cannot publish to exchange "${route.exchange}" with routing key "${route.routingKey}": no queue is bound to it. Declare one, or correct the route.`,
      )
    return names.map((name) => this.queue(name))
  }

  #park(entry: MemoryEntry): void {
    entry.queue.scheduled++
    this.#parked.push(entry)
  }

  /** What was delivered before goes to the front, where it was; anything else to the end. */
  #makeReady(entry: MemoryEntry): void {
    if (entry.history !== undefined) {
      entry.queue.giveBack(entry)
      return
    }
    entry.position = ++this.#sequence
    entry.queue.append(entry)
  }

  /** Undefined for a message that can't be read, which is set aside. */
  #hold(entry: MemoryEntry, holder: Holder): Delivery | undefined {
    const queue = entry.queue.name
    const read = readEntry(entry)
    if (read instanceof DecodeError) {
      this.#setAside(entry, { reason: 'undecodable', detail: read.message })
      return undefined
    }
    const token = ++this.#token
    this.#claims.set(token, { entry, holder })
    entry.queue.claimed++
    const { message, route } = read
    const { losses = 0, returns = 0, firstReturnedAt } = entry.history ?? {}
    const claim: Claim = { key: entry.id, token, queue }
    return { claim, message, queue, route, redelivered: entry.history !== undefined, losses, returns, firstReturnedAt }
  }

  #setAside(entry: MemoryEntry, { reason = 'rejected', detail = '' }: Pick<Settlement, 'reason' | 'detail'>): void {
    const read = readEntry(entry)
    const message = read instanceof DecodeError ? undefined : read.message
    const id = ++this.#sequence
    const letter: DeadLetter = {
      id: String(id),
      queue: entry.queue.name,
      reason,
      detail,
      deadSince: this.#clock.now(),
      ...namesOf(message),
      raw: new TextEncoder().encode(entry.envelope),
      ...(message !== undefined && { message }),
    }
    this.#dead.set(id, { entry, letter })
  }
}

function readEntry({ envelope, queue }: MemoryEntry): Envelope | DecodeError {
  try {
    return decodeEnvelope(envelope, queue.name)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}
