import { setMaxListeners } from 'node:events'
import { retryDelay } from '../../lib/base/backoff.ts'
import type { Clock } from '../../lib/base/clock.ts'
import { crashPoint } from '../../lib/base/crash-point.ts'
import { type Deferred, deferred } from '../../lib/base/deferred.ts'
import { BrokerUnavailable, Closed, OutcomeUnknown, StoreFull } from '../../lib/base/errors.ts'
import type { Logger } from '../../lib/base/logger.ts'
import { microtask } from '../../lib/base/microtask.ts'
import type { Broker, Settlement, SettleReply } from '../../lib/broker/broker.ts'
import type { ResultBackend } from '../../lib/result/result-backend.ts'
import type { Aftermath } from '../../lib/run/settlement.ts'

export interface SettlerParts {
  readonly broker: Broker
  readonly backend: ResultBackend
  readonly clock: Clock
  readonly logger: Logger
}

/** Whose ending it is, for the log. */
export interface Ended {
  readonly id: string | undefined
  readonly task: string | undefined
}

interface Entry extends Ended {
  /** Undefined when the message was acknowledged before the run. */
  readonly settlement: Settlement | undefined
  readonly aftermath: Aftermath
  readonly onReply?: ((reply: SettleReply) => void) | undefined
}

/** A wide command costs little more than a narrow one; wider than this holds up what is behind it. */
const batchSize = 256
/** How long the first outcome of a batch waits for company while other tasks run. */
const gatherMs = 2

/**
 * Brings endings to the broker and the result backend, in batches: on size, after 2 ms, or at once when told that the worker is idle.
 * Where both are one store, a settlement is one act; elsewhere results are stored first, then follow-ups are published, then messages
 * are acknowledged, so that a crash between repeats and never loses. While a store is down the claims are kept and it is asked again.
 */
export class Settler {
  readonly #parts: SettlerParts
  readonly #isOneAct: boolean
  readonly #givingUp = new AbortController()
  #gathered: Entry[] = []
  #cancelTimer: (() => void) | undefined
  /** A flush at the end of this turn is on its way. */
  #isFlushing = false
  #pending = 0
  #drained: Deferred<void> | undefined
  #troubleSince: number | undefined

  constructor(parts: SettlerParts) {
    this.#parts = parts
    // Each batch that waits for the end of an outage listens; Node would warn of the eleventh.
    setMaxListeners(0, this.#givingUp.signal)
    this.#isOneAct = parts.broker.capabilities.settlesResults && parts.broker.store === parts.backend.store
  }

  /** Handed over and not brought yet. */
  get pending(): number {
    return this.#pending
  }

  /** Ends, parks or gives back a claim. */
  settle(ended: Ended, settlement: Settlement): void {
    this.#add({ id: ended.id, task: ended.task, settlement, aftermath: settlement })
  }

  /** As {@link settle}, and says how it went: for what must not go on before. */
  confirm(ended: Ended, settlement: Settlement): Promise<SettleReply> {
    const { promise, resolve } = deferred<SettleReply>()
    this.#add({ id: ended.id, task: ended.task, settlement, aftermath: settlement, onReply: resolve })
    // Its slot waits for this. All that start in one turn of the event loop go together.
    if (!this.#isFlushing) microtask(() => this.flush())
    this.#isFlushing = true
    return promise
  }

  /** Stores and publishes for a message that was acknowledged before it ran. */
  leave(ended: Ended, aftermath: Aftermath): void {
    if (aftermath.record === undefined && aftermath.publish === undefined) return
    this.#add({ id: ended.id, task: ended.task, settlement: undefined, aftermath })
  }

  /** Brings what was gathered so far without waiting for more. */
  flush(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#isFlushing = false
    if (this.#gathered.length === 0) return
    const entries = this.#gathered
    this.#gathered = []
    void this.#bring({ entries, stage: 'keep' }) // counted in #pending until done; never rejects
  }

  /** Resolves when everything is brought, or `giveUp` aborts: then what is left stays claimed and will run again elsewhere. */
  async drain(giveUp?: AbortSignal): Promise<void> {
    this.flush()
    if (this.#pending === 0) return
    const abort = (): void => this.#givingUp.abort()
    if (giveUp?.aborted) abort()
    giveUp?.addEventListener('abort', abort, { once: true })
    this.#drained ??= deferred()
    await this.#drained.promise
    giveUp?.removeEventListener('abort', abort)
  }

  #add(entry: Entry): void {
    this.#pending++
    this.#gathered.push(entry)
    if (this.#gathered.length >= batchSize) this.flush()
    else this.#cancelTimer ??= this.#parts.clock.timer(gatherMs, () => this.flush(), { keepAlive: true })
  }

  /** Goes on from the batch's stage until all is done; asks again while a store is down. */
  async #bring(batch: Batch): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await this.#act(batch)
        this.#troubleIsOver()
        return this.#done(batch.entries.length)
      } catch (error) {
        if (error instanceof Closed || this.#givingUp.signal.aborted) return this.#abandon(batch, error)
        if (!isPassing(error)) return this.#bringSingly(batch, error)
        this.#report(error)
        await this.#pause(retryDelay(failures, { firstMs: 50, maxMs: 5_000 }))
      }
    }
  }

  async #act(batch: Batch): Promise<void> {
    const { broker, backend } = this.#parts
    crashPoint('worker.beforeSettle')
    const apart = this.#isOneAct ? batch.entries.filter((entry) => entry.settlement === undefined) : batch.entries
    if (batch.stage === 'keep') {
      const records = apart.flatMap(({ aftermath }) => aftermath.record ?? [])
      if (records.length > 0) await backend.keep(records)
      batch.stage = 'publish'
    }
    if (batch.stage === 'publish') {
      const messages = apart.flatMap(({ aftermath }) => aftermath.publish ?? [])
      if (messages.length > 0) await broker.publish(messages)
      batch.stage = 'settle'
    }
    const claimed = batch.entries.filter(isClaimed)
    if (claimed.length > 0) {
      const settlements = claimed.map(({ settlement }) => (this.#isOneAct ? settlement : withoutAftermath(settlement)))
      this.#tell(claimed, await broker.settle(settlements))
    }
    crashPoint('worker.afterSettle')
  }

  #tell(entries: readonly ClaimedEntry[], replies: readonly SettleReply[]): void {
    replies.forEach((reply, index) => {
      const { id, task, settlement, onReply } = entries[index]!
      onReply?.(reply)
      if (reply === 'settled') return
      this.#parts.logger.warn(
        { id, task, queue: settlement.claim.queue },
        'The claim on this task passed to another worker before it ended here; nothing of this attempt was stored.',
      )
    })
  }

  /** Something in the batch can't be stored at all: each goes its own way, so that it hurts only itself. */
  async #bringSingly(batch: Batch, cause: unknown): Promise<void> {
    const [only] = batch.entries
    if (batch.entries.length > 1) {
      await Promise.all(batch.entries.map((entry) => this.#bring({ entries: [entry], stage: batch.stage })))
    } else if (only !== undefined && isClaimed(only) && only.settlement.reason !== 'rejected') {
      await this.#bring({ entries: [this.#setAside(only, cause)], stage: 'settle' })
    } else this.#abandon(batch, cause)
  }

  #setAside(entry: ClaimedEntry, cause: unknown): Entry {
    const { id, task } = entry
    this.#parts.logger.error(
      { id, task, err: cause },
      'The outcome of this task cannot be stored; its message is set aside.',
    )
    const detail = `Its outcome could not be stored: ${cause instanceof Error ? cause.message : String(cause)}`
    const settlement: Settlement = {
      claim: entry.settlement.claim,
      disposition: 'dead-letter',
      reason: 'rejected',
      detail,
    }
    return { ...entry, settlement, aftermath: {} }
  }

  #abandon(batch: Batch, cause: unknown): void {
    const tasks = batch.entries.map(({ id }) => id)
    this.#parts.logger.error(
      { err: cause, tasks: tasks.slice(0, 10), count: tasks.length },
      'Endings of tasks could not be stored. Their messages stay claimed and are delivered again when the claims lapse.',
    )
    for (const { onReply } of batch.entries) onReply?.('lost')
    this.#done(batch.entries.length)
  }

  #done(count: number): void {
    this.#pending -= count
    if (this.#pending > 0) return
    this.#drained?.resolve()
    this.#drained = undefined
  }

  /** Once for an outage, however many batches wait for its end. */
  #report(error: unknown): void {
    if (this.#troubleSince !== undefined) return
    this.#troubleSince = this.#parts.clock.monotonic()
    this.#parts.logger.error(
      { err: error, waiting: this.#pending },
      'Endings of tasks cannot be stored just now. Their claims are kept and it is tried again until it works.',
    )
  }

  #troubleIsOver(): void {
    if (this.#troubleSince === undefined) return
    const outageMs = Math.round(this.#parts.clock.monotonic() - this.#troubleSince)
    this.#troubleSince = undefined
    this.#parts.logger.info({ outageMs }, 'Endings of tasks can be stored again.')
  }

  async #pause(ms: number): Promise<void> {
    try {
      await this.#parts.clock.sleep(ms, this.#givingUp.signal)
    } catch {
      // Giving up: the next failure ends the batch, and a success is as welcome as ever.
    }
  }
}

interface Batch {
  readonly entries: readonly Entry[]
  /** What is to be done next; results come first, acknowledgements last. */
  stage: 'keep' | 'publish' | 'settle'
}

type ClaimedEntry = Entry & { readonly settlement: Settlement }

function isClaimed(entry: Entry): entry is ClaimedEntry {
  return entry.settlement !== undefined
}

function withoutAftermath(settlement: Settlement): Settlement {
  const { record: _record, publish: _publish, ...rest } = settlement
  return rest
}

/** Worth asking again: nothing is wrong with what was asked. */
function isPassing(error: unknown): boolean {
  return error instanceof BrokerUnavailable || error instanceof OutcomeUnknown || error instanceof StoreFull
}
