import type { Clock } from '../../base/clock.ts'
import { OutcomeUnknown } from '../../base/errors.ts'
import type { RedisCall } from '../../driver/redis/redis-commands.ts'
import type { RedisServer } from '../../driver/redis/redis-server.ts'
import { clockSkew } from '../../result/redis/redis-result-backend.ts'
import type { ResultKeys } from '../../result/redis/result-keys.ts'
import { recordValues } from '../../result/redis/result-rows.ts'
import type { Settlement, SettleReply } from '../broker.ts'
import { oneMore } from '../delivery-history.ts'
import { dueTime } from '../envelope.ts'
import { markReturned, unmark } from './envelope-marks.ts'
import type { HeldMessage } from './held-message.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { EncodedMessage, RedisPublisher } from './redis-publisher.ts'
import type { Deed } from './scripts/deeds.ts'
import { type Ending, type EndingKind, settle, settleArgs } from './scripts/settle.ts'
import { aboutText, closingOf, envelopeOf, tailOf } from './unacked-entry.ts'

export interface RedisClaimsParts {
  readonly server: RedisServer
  readonly keys: RedisKeys
  readonly publisher: RedisPublisher
  readonly clock: Clock
  /** Where results are kept. */
  readonly resultKeys: ResultKeys
  /** Something was parked until then, ms since the epoch. */
  readonly onParked: (dueMs: number) => void
}

/** One settlement of a claim that this broker knows. */
interface Plan {
  readonly index: number
  readonly held: HeldMessage
  readonly settlement: Settlement
  readonly follow: readonly EncodedMessage[]
}

/** Wider batches hold up other commands, and Lua's stack has an end. */
const settledAtOnce = 500

const textDecoder = new TextDecoder()

/** The claims of this process, and what becomes of them. */
export class RedisClaims {
  readonly #parts: RedisClaimsParts
  readonly #held = new Map<string, HeldMessage>()

  constructor(parts: RedisClaimsParts) {
    this.#parts = parts
  }

  add(held: HeldMessage): void {
    this.#held.set(held.key, held)
  }

  has(key: string): boolean {
    return this.#held.has(key)
  }

  async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    const { publisher, clock } = this.#parts
    for (const { notBefore } of batch) dueTime(notBefore, clock.now())
    const replies: SettleReply[] = batch.map(() => 'lost')
    const plans: Plan[] = []
    const seen = new Set<string | number>()
    batch.forEach((settlement, index) => {
      const { key, token } = settlement.claim
      const held = this.#held.get(String(key))
      // Once each; the second of one batch is lost.
      if (held === undefined || held.token !== token || seen.has(key)) return
      seen.add(key)
      const follow = settlement.publish === undefined ? [] : publisher.encode(settlement.publish)
      plans.push({ index, held, settlement, follow })
    })
    await this.#settleAll(plans, (index) => {
      replies[index] = 'settled'
    })
    return replies
  }

  /** Ends claims of one owner without a word to whom they were delivered; for each, whether it was valid. */
  async end(owner: string, endings: readonly Ending[]): Promise<boolean[]> {
    if (endings.length === 0) return []
    const [reply] = await this.#parts.server.pipeline([this.#call(owner, endings)], { what: 'settle' })
    if (reply instanceof Error) throw reply
    this.#tell(endings)
    return settle.reply(reply).map((valid) => valid === 1)
  }

  async #settleAll(plans: readonly Plan[], settled: (index: number) => void): Promise<void> {
    if (plans.length === 0) return
    const endings = await this.#endings(plans)
    const owners = new Map<string, { plan: Plan; ending: Ending }[]>()
    plans.forEach((plan, index) => {
      const { owner } = plan.held.holder
      const ofOwner = owners.get(owner) ?? []
      owners.set(owner, ofOwner)
      ofOwner.push({ plan, ending: endings[index]! })
    })
    let isBegun = false
    for (const [owner, items] of owners) {
      items.sort((a, b) => a.plan.held.token - b.plan.held.token)
      // What goes to the front goes there last first, so the last portion does.
      for (let end = items.length; end > 0; end -= settledAtOnce) {
        const portion = items.slice(Math.max(0, end - settledAtOnce), end)
        try {
          const valid = await this.end(
            owner,
            portion.map(({ ending }) => ending),
          )
          isBegun = true
          for (const [index, { plan }] of portion.entries()) this.#conclude(plan, valid[index]!, settled)
        } catch (cause) {
          if (!isBegun) throw cause
          throw new OutcomeUnknown('Some claims of the batch are settled, others could not be.', { cause })
        }
      }
    }
  }

  #conclude({ held, settlement, index }: Plan, isValid: boolean, settled: (index: number) => void): void {
    this.#held.delete(held.key)
    if (settlement.counted === 'return') held.holder.gaveBack()
    held.holder.released(held)
    if (isValid) settled(index)
  }

  #call(owner: string, endings: readonly Ending[]): RedisCall {
    const { keys } = this.#parts
    const { unacked, unackedIndex, suspects, due, dead, deadLast, letterPrefix } = keys
    return settle.call(
      { unacked, unackedIndex, claims: keys.claims(owner), suspects, due, dead, deadLast },
      { count: endings.length, letterPrefix, sidePrefix: this.#parts.resultKeys.sidePrefix },
      { restArgs: settleArgs(endings) },
    )
  }

  #tell(endings: readonly Ending[]): void {
    for (const { what } of endings) if (what.kind === 'park') this.#parts.onParked(what.dueMs)
  }

  async #endings(plans: readonly Plan[]): Promise<Ending[]> {
    const { publisher, resultKeys, server } = this.#parts
    const skewMs = clockSkew(server)
    const isFollowed = plans.some(({ follow }) => follow.length > 0)
    const deeds = isFollowed ? await Promise.all(plans.map(({ follow }) => publisher.deeds(follow))) : undefined
    const edited = plans.filter(isEdited)
    const texts = edited.length > 0 ? await this.#read(edited) : undefined
    return plans.map(({ held, settlement }, index) => ({
      key: held.key,
      what: this.#what(held, settlement, texts?.get(held.key)),
      record: settlement.record === undefined ? undefined : recordValues(resultKeys, settlement.record, skewMs),
      deeds: [...(deeds?.[index] ?? []), ...this.#noLongerAhead(held)],
    }))
  }

  #what(held: HeldMessage, settlement: Settlement, text: string | undefined): EndingKind {
    const { clock, keys } = this.#parts
    const { list, queue } = held
    const { disposition, counted, reason = 'rejected', detail = '' } = settlement
    if (disposition === 'done') return { kind: 'done' }
    const tail = tailOf(queue)
    if (disposition === 'dead-letter')
      return { kind: 'dead', deadOf: keys.deadOf(queue), about: aboutText({ queue, list, reason, detail }, held), tail }
    const due = dueTime(settlement.notBefore, clock.now())
    const isPark = disposition === 'park'
    const changed =
      text === undefined
        ? undefined
        : isPark
          ? unmark(text)
          : markReturned(text, oneMore(held.history, counted, clock.now()))
    if (due !== undefined) {
      const entry = changed === undefined ? undefined : `[${changed}${closingOf(queue)}`
      return { kind: 'park', list, dueOf: keys.dueOf(list), dueMs: due, toFront: !isPark, tail, entry }
    }
    // Its time has come already: what is left of a park is to wait at the end.
    if (isPark)
      return {
        kind: 'park',
        list,
        dueOf: keys.dueOf(list),
        dueMs: Math.floor(clock.now()),
        toFront: false,
        tail,
        entry: undefined,
      }
    return { kind: 'ready', list, text: changed ?? '' }
  }

  /** The envelopes as they are kept, of those that are to be changed. A claim without one is lost, which the script finds out too. */
  async #read(plans: readonly Plan[]): Promise<Map<string, string>> {
    const { server, keys } = this.#parts
    const held = plans.map((plan) => plan.held)
    const entries = (await server.command('HMGET', [keys.unacked, ...held.map(({ key }) => key)], {
      buffers: true,
      repeat: true,
      what: 'read claimed messages',
    })) as (Buffer | null)[]
    const texts = new Map<string, string>()
    entries.forEach((entry, index) => {
      const { key, queue } = held[index]!
      if (entry !== null) texts.set(key, textDecoder.decode(envelopeOf(entry, queue)))
    })
    return texts
  }

  #noLongerAhead({ aheadTag, queue }: HeldMessage): readonly Deed[] {
    return aheadTag === undefined ? [] : [['ZREM', this.#parts.keys.ahead(queue), aheadTag]]
  }
}

/** What goes back changes its marks; what is parked loses them. */
function isEdited({ held, settlement }: Plan): boolean {
  if (settlement.disposition === 'give-back') return true
  return settlement.disposition === 'park' && held.history !== undefined
}
