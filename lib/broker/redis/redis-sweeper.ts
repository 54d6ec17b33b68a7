import { retryDelay } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import { DecodeError } from '../../base/errors.ts'
import type { Generation } from '../../driver/redis/redis-commands.ts'
import type { RedisServer } from '../../driver/redis/redis-server.ts'
import { oneMore } from '../delivery-history.ts'
import { markReturned } from './envelope-marks.ts'
import { decodeKombuEnvelope, kombuPriority } from './kombu-envelope.ts'
import { claimKeyPrefix, type RedisKeys } from './redis-keys.ts'
import type { RedisTopology } from './redis-topology.ts'
import { returnClaims } from './return-claims.ts'
import { buryOwner } from './scripts/bury-owner.ts'
import { findLapsed, type LapsedOwner } from './scripts/find-lapsed.ts'
import { type AbandonedEntry, restoreArgs, restoreEntries } from './scripts/restore-entries.ts'
import { aboutText } from './unacked-entry.ts'

export interface RedisSweeperParts {
  readonly server: RedisServer
  readonly keys: RedisKeys
  readonly topology: RedisTopology
  readonly clock: Clock
  /** How long Python may hold a message, ms (`visibility_timeout`). */
  readonly visibilityMs: number
  readonly onReturned: () => void
  readonly onError: (error: Error) => void
}

/** How often everybody looks for dead owners: from this to twice this, so that they don't look at once. */
const lookMs = 250
/** How often for what Python abandoned: ten times in the time after which it is, and at least this often. */
const longestEntriesMs = 10_000
/** How young a connection may be at which entries of ours are not taken for abandoned: by then, who lives has shown it. */
const settlingMs = 30_000
const atOnce = 100

/**
 * Takes back what the dead held. Owners of ours are dead when their lease has ended; entries of Python's, which has no owners, are abandoned
 * after the visibility timeout. Every consuming process does it, and whoever is first does it once.
 */
export class RedisSweeper {
  readonly #parts: RedisSweeperParts
  #cancel: (() => void) | undefined
  #isRunning = false
  #generation: Generation | undefined
  #connectedAt = 0
  #entriesAt = 0
  /** Lapsed owners with their deadlines, as the last look saw them. */
  #suspected = new Map<string, string>()

  constructor(parts: RedisSweeperParts) {
    this.#parts = parts
  }

  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#arm()
  }

  stop(): void {
    this.#isRunning = false
    this.#cancel?.()
  }

  /** There is a new connection. Who could not renew a lease during an outage has the time of one lease to do it. */
  connected(generation: Generation): void {
    this.#generation = generation
    this.#connectedAt = this.#parts.clock.monotonic()
    this.#suspected = new Map()
  }

  async #look(): Promise<void> {
    const { clock, onError } = this.#parts
    try {
      const generation = this.#generation
      if (generation !== undefined && !generation.isOver) {
        await this.#sweepOwners(generation)
        const now = clock.monotonic()
        if (now >= this.#entriesAt) {
          const firstMs = Math.min(longestEntriesMs, this.#parts.visibilityMs / 20)
          this.#entriesAt = now + firstMs + retryDelay(0, { firstMs, maxMs: firstMs, jitter: true })
          await this.#sweepEntries(generation)
        }
      }
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
    }
    this.#arm()
  }

  #arm(): void {
    if (!this.#isRunning) return
    const ms = lookMs + retryDelay(0, { firstMs: lookMs, maxMs: lookMs, jitter: true })
    this.#cancel = this.#parts.clock.timer(ms, () => void this.#look()) // never rejects
  }

  async #sweepOwners(generation: Generation): Promise<void> {
    const { keys } = this.#parts
    const lapsed = await findLapsed.run(
      generation,
      { owners: keys.owners },
      { ownerPrefix: keys.owner(''), limit: atOnce },
    )
    const before = this.#suspected
    this.#suspected = new Map(lapsed.map(({ id, deadline }) => [id, deadline]))
    for (const owner of lapsed) if (this.#isDead(owner, before)) await this.#recover(generation, owner)
  }

  #isDead({ id, deadline, record }: LapsedOwner, before: ReadonlyMap<string, string>): boolean {
    if (deadline === '0') return true
    // Seen twice: a server that hung takes up the renewals that waited for it first.
    if (before.get(id) !== deadline) return false
    return this.#parts.clock.monotonic() - this.#connectedAt >= leaseOf(record)
  }

  async #recover(generation: Generation, { id, deadline }: LapsedOwner): Promise<void> {
    const { keys, server, onReturned } = this.#parts
    const at = { owners: keys.owners, owner: keys.owner(id), claims: keys.claims(id) }
    if (!(await buryOwner.run(generation, at, { id, deadline }))) return
    const count = await returnClaims({ keys, target: generation, now: server.serverNow() }, id, {
      isKept: () => false,
      isLoss: true,
    })
    if (count > 0) onReturned()
    // Now without claims: forgotten.
    await buryOwner.run(generation, at, { id, deadline: '0' })
  }

  /** What nobody has shown to be alive for so long: Python's, and ours whose owners' claims were lost. */
  async #sweepEntries(generation: Generation): Promise<void> {
    const { keys, server, visibilityMs, clock, onReturned } = this.#parts
    const isSettled = clock.monotonic() - this.#connectedAt >= settlingMs
    const until = (server.serverNow() - visibilityMs) / 1000
    // Negative scores are nobody's; the youngest first, so that the oldest ends up in front.
    const args = [keys.unackedIndex, until, 0, 'WITHSCORES', 'LIMIT', 0, atOnce]
    const found = (await generation.command('ZREVRANGEBYSCORE', args, {
      what: 'look for abandoned messages',
    })) as string[]
    const abandoned = found
      .flatMap((key, index) => (index % 2 === 0 ? [{ key, score: found[index + 1]! }] : []))
      .filter(({ key }) => isSettled || !key.startsWith(claimKeyPrefix))
    if (abandoned.length === 0) return
    const entries = (await generation.command('HMGET', [keys.unacked, ...abandoned.map(({ key }) => key)], {
      buffers: true,
      what: 'read abandoned messages',
    })) as (Buffer | null)[]
    const back = await Promise.all(
      abandoned.map(
        async ({ key, score }, index): Promise<AbandonedEntry> => ({
          key,
          score,
          to: await this.#wayBack(entries[index]!),
        }),
      ),
    )
    const { unacked, unackedIndex, dead, deadLast, letterPrefix } = keys
    const count = await restoreEntries.run(
      generation,
      { unacked, unackedIndex, dead, deadLast },
      { letterPrefix },
      { restArgs: restoreArgs(back) },
    )
    if (count > 0) onReturned()
  }

  async #wayBack(entry: Buffer | null): Promise<AbandonedEntry['to']> {
    const { keys, topology } = this.#parts
    // Its score has nothing to show for: kombu removes such, too.
    if (entry === null) return { lists: [], text: '' }
    let queue = 'celery'
    try {
      const { envelope, exchange, routingKey } = entryParts(entry)
      queue = routingKey
      const { message, losses, returns, firstReturnedAt } = decodeKombuEnvelope(envelope)
      const { queues } = await topology.destinations({ exchange, routingKey })
      const priority = kombuPriority(message.properties.priority)
      const history = oneMore({ losses, returns, firstReturnedAt }, 'loss', 0)
      return { lists: queues.map((name) => keys.list(name, priority)), text: markReturned(envelope, history) }
    } catch (error) {
      const detail = `A worker of Python left it behind, and it could not be given back: ${error instanceof Error ? error.message : String(error)}`
      const about = aboutText({ queue, list: keys.layout.keyPrefix + queue, reason: 'undecodable', detail }, undefined)
      return { deadOf: keys.deadOf(queue), about }
    }
  }
}

/** The lease that an owner's record says, ms. */
function leaseOf(record: string | undefined): number {
  return Number(record?.split(' ')[1] ?? 0)
}

/** `[envelope, exchange, routing key]` with the envelope as the text that it is. @throws {DecodeError} */
function entryParts(entry: Buffer): { envelope: string; exchange: string; routingKey: string } {
  const text = entry.toString()
  const parts = /,\s*"((?:[^"\\]|\\.)*)"\s*,\s*"((?:[^"\\]|\\.)*)"\s*\]\s*$/.exec(text.slice(-2_048))
  const start = /^\s*\[\s*/.exec(text)?.[0].length
  if (parts === null || start === undefined) throw new DecodeError('The entry is none of kombu’s.')
  const [tail, exchange, routingKey] = parts
  return {
    envelope: text.slice(start, text.length - tail.length),
    exchange: JSON.parse(`"${exchange}"`) as string,
    routingKey: JSON.parse(`"${routingKey}"`) as string,
  }
}
