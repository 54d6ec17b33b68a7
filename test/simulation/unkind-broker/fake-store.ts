import type { Clock } from '../../../lib/base/clock.ts'
import type { WireMessage } from '../../../lib/message/wire-message.ts'
import { MemoryStore } from '../../../lib/result/memory/memory-store.ts'
import type { StoredRecord } from '../../../lib/result/result-record.ts'
import { MemoryStateStore } from '../../../lib/state/memory-state-store.ts'
import { FakeMessages, type FakeOwner, type StoreAudit } from './fake-messages.ts'

/** A consumer or subscriber of some process, as the store knows it. */
export interface Looker {
  look(): void
  readonly owner: FakeOwner
  readonly queues: readonly string[]
}

export interface FakeStoreOptions {
  readonly audit?: StoreAudit
  /**
   * What comes due takes its place in the queue when somebody claims, not at its time; the contract says nothing of its order beside what
   * was sent meanwhile. @default false
   */
  readonly promotesLate?: boolean
  /** How much of its wait what has lost workers waits, from half of it to all. @default all of it */
  readonly share?: () => number
}

/** The server's side: messages, records and state, one for all processes of a world. Every act is done at once and whole. */
export class FakeStore {
  readonly name: string
  readonly clock: Clock
  readonly messages: FakeMessages
  readonly records: MemoryStore
  readonly state: MemoryStateStore
  readonly lookers: Looker[] = []
  readonly subscriptions = new Set<{ readonly topic: string; readonly hear: (message: WireMessage) => void }>()
  readonly audit: StoreAudit
  #cancelDue: (() => void) | undefined
  #armedFor: number | undefined
  readonly #promotesLate: boolean

  constructor(clock: Clock, name: string, options: FakeStoreOptions = {}) {
    const { audit = {}, promotesLate = false, share = () => 1 } = options
    this.#promotesLate = promotesLate
    this.name = `fake:${name}`
    this.clock = clock
    this.audit = audit
    this.messages = new FakeMessages(() => clock.now(), audit, share)
    this.records = new MemoryStore({ clock, name })
    this.state = new MemoryStateStore({ clock })
  }

  /** Does something whole, then tells whoever may have become able to claim. */
  act<T>(act: () => T): T {
    const result = act()
    this.audit.acted?.()
    this.changed()
    return result
  }

  keep(records: readonly StoredRecord[], by?: unknown): void {
    this.records.keep(records)
    for (const record of records) this.audit.kept?.(record, by)
  }

  /** From now on asked after the others. */
  toTheBack(owner: FakeOwner): void {
    const index = this.lookers.findIndex((looker) => looker.owner === owner)
    if (index !== -1) this.lookers.push(...this.lookers.splice(index, 1))
  }

  changed(): void {
    for (const looker of [...this.lookers]) looker.look()
    const due = this.messages.earliestDue
    if (due === this.#armedFor) return
    this.#cancelDue?.()
    this.#armedFor = due
    if (due === undefined || due <= this.clock.now()) return
    const wait = Math.min(Math.max(0, due - this.clock.now()), 86_400_000)
    this.#cancelDue = this.clock.timer(wait, () => {
      this.#armedFor = undefined
      if (!this.#promotesLate) this.messages.promote()
      this.changed()
    })
  }

  stop(): void {
    this.#cancelDue?.()
  }
}
