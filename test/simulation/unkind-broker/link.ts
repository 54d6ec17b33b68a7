import { BrokerUnavailable, Closed, OutcomeUnknown, StoreFull } from '../../../lib/base/errors.ts'
import type { Host, VirtualTime } from '../virtual-clock/virtual-time.ts'
import type { Asked, Chaos, Fate } from './chaos.ts'
import type { FakeStore } from './fake-store.ts'

/** What makes a link unkind. */
export interface Network {
  readonly time: VirtualTime
  readonly host: Host
  readonly chaos: Chaos
  /** How long the client waits for an answer to a publication or a settlement. */
  readonly deadlineMs: number
}

/** One request to the store. */
export interface Request<T> {
  readonly asked: Asked
  /** Done by the store, whole, when the request arrives. */
  readonly act: () => T
  /** What `part` does instead. */
  readonly actInPart?: (() => unknown) | undefined
  /** From now on nobody knows whether it was done, or how often. */
  readonly onDoubt?: (() => void) | undefined
}

/** Between one process and the store. Kind, without a network: requests are done at once. Else in order, with delays and faults. */
export class Link {
  readonly store: FakeStore
  readonly network: Network | undefined
  isClosed = false
  readonly #pending = new Set<Promise<unknown>>()
  #isCut = false
  #held: (() => void)[] = []
  #lastRequestAt = 0
  #lastReplyAt = 0

  constructor(store: FakeStore, network: Network | undefined) {
    this.store = store
    this.network = network
  }

  refuseClosed(what: string): void {
    if (this.isClosed) throw new Closed(`Cannot ${what} in ${this.store.name}: it was closed.`)
  }

  /** Rejects as the contracts say: refused means not done, unknown may mean anything. */
  async ask<T>(request: Request<T>): Promise<T> {
    const { network } = this
    if (network === undefined) return this.store.act(request.act)
    const fate = network.chaos.fateOf(request.asked)
    if (fate !== 'done' && fate !== 'refused') request.onDoubt?.()
    const answer = new Promise<T>((resolve, reject) => this.#send(request, fate, { resolve, reject }))
    const settled = (): void => void this.#pending.delete(answer)
    this.#pending.add(answer)
    answer.then(settled, settled)
    return answer
  }

  /** Resolves when everything that was asked has its answer. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#pending)
  }

  /** Nothing passes until it is healed. */
  cut(): void {
    this.#isCut = true
  }

  heal(): void {
    this.#isCut = false
    const held = this.#held
    this.#held = []
    for (const pass of held) pass()
  }

  /** From the store to the process, in order. */
  bring(fire: () => void): void {
    const { network } = this
    if (network === undefined) {
      queueMicrotask(fire)
      return
    }
    const { time, host, chaos } = network
    this.#lastReplyAt = Math.max(this.#lastReplyAt, time.monotonic() + chaos.delay())
    time.after(this.#lastReplyAt - time.monotonic(), () => this.#pass(() => host.bring(fire)))
  }

  #send<T>(request: Request<T>, fate: Fate, client: Client<T>): void {
    const { time, host, chaos, deadlineMs } = this.network!
    if (host.isDead) return
    const hasDeadline = request.asked === 'publish' || request.asked === 'settle'
    const cancelDeadline = hasDeadline
      ? host.clock.timer(deadlineMs, () => {
          request.onDoubt?.()
          client.reject(new OutcomeUnknown(`No answer to ${request.asked} in ${deadlineMs} ms.`))
        })
      : () => {}
    const arrival =
      time.monotonic() + chaos.delay() + (fate === 'late' ? deadlineMs + chaos.random.between(0, 20_000) : 0)
    if (fate !== 'late') this.#lastRequestAt = Math.max(this.#lastRequestAt, arrival)
    const at = fate === 'late' ? arrival : this.#lastRequestAt
    time.after(at - time.monotonic(), () =>
      this.#pass(() => {
        // What a process sent as it died arrived, or did not.
        if (fate === 'lost' || (host.isDead && chaos.random.chance(0.5))) return
        const reply = this.#reply(request, fate)
        if (fate !== 'done' && fate !== 'refused') return
        this.bring(() => {
          cancelDeadline()
          if (reply.error === undefined) client.resolve(reply.value!)
          else client.reject(reply.error)
        })
      }),
    )
  }

  #reply<T>(request: Request<T>, fate: Fate): { value?: T; error?: unknown } {
    const { chaos } = this.network!
    if (fate === 'refused')
      return {
        error: chaos.random.chance(0.5)
          ? new BrokerUnavailable(`The store does not answer to ${request.asked}.`)
          : new StoreFull(`The store has no room for ${request.asked}.`),
      }
    try {
      if (fate === 'part' && request.actInPart !== undefined) return { error: this.store.act(request.actInPart) }
      if (fate === 'twice') this.store.act(request.act)
      return { value: this.store.act(request.act) }
    } catch (error) {
      return { error }
    }
  }

  #pass(pass: () => void): void {
    if (this.#isCut) this.#held.push(pass)
    else pass()
  }
}

interface Client<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}
