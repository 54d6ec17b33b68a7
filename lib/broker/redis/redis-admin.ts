import type { RedisCall } from '../../driver/redis/redis-commands.ts'
import type { RedisServer } from '../../driver/redis/redis-server.ts'
import type { BrokerAdmin, DeadLetter, DeadLetterReason, QueueCounts } from '../broker.ts'
import { deadLetterReasons } from '../broker.ts'
import { unmark } from './envelope-marks.ts'
import { decodeKombuEnvelope } from './kombu-envelope.ts'
import type { RedisKeys } from './redis-keys.ts'
import { purge } from './scripts/purge.ts'
import { replayDead } from './scripts/replay-dead.ts'
import { readSide } from './scripts/settle.ts'
import type { AboutLetter } from './unacked-entry.ts'

export interface RedisAdminParts {
  readonly server: RedisServer
  readonly keys: RedisKeys
  /** Something may be there to claim. */
  readonly onChanged: () => void
  readonly refuseStopped: (what: string) => void
}

const atOnce = 1_000

/** What operators do with queues in Redis. */
export class RedisAdmin implements BrokerAdmin {
  readonly #parts: RedisAdminParts

  constructor(parts: RedisAdminParts) {
    this.#parts = parts
  }

  async queues(): Promise<QueueCounts[]> {
    this.#parts.refuseStopped('list queues')
    const { keys } = this.#parts
    const [declared, due] = (await this.#all([
      { name: 'SMEMBERS', args: [keys.queues] },
      { name: 'ZRANGE', args: [keys.due, 0, -1] },
    ])) as [string[], string[]]
    const claimed = await this.#claimedLists()
    const names = new Set(declared)
    for (const list of [...due, ...claimed.keys(), ...(await this.#lists())]) {
      const queue = keys.queueOf(list)
      if (queue !== undefined && !isReplyQueue(queue)) names.add(queue)
    }
    return Promise.all([...names].sort().map((queue) => this.#counts(queue, claimed)))
  }

  async counts(queue: string): Promise<QueueCounts> {
    this.#parts.refuseStopped('count a queue')
    return this.#counts(queue, await this.#claimedLists())
  }

  async purge(queue: string): Promise<number> {
    this.#parts.refuseStopped('purge a queue')
    const { server, keys } = this.#parts
    const { unacked, unackedIndex, due } = keys
    let count = 0
    for (const list of keys.lists(queue)) {
      for (;;) {
        const removed = await purge.run(
          server,
          { unacked, unackedIndex, due, list, dueOf: keys.dueOf(list) },
          { limit: atOnce },
        )
        count += removed
        if (removed === 0) break
      }
    }
    await server.command('UNLINK', [keys.ahead(queue)], { repeat: true, what: 'purge a queue' })
    return count
  }

  async pause(queue: string): Promise<void> {
    this.#parts.refuseStopped('pause a queue')
    const { keys } = this.#parts
    await this.#all([
      { name: 'SADD', args: [keys.queues, queue] },
      { name: 'SADD', args: [keys.paused, queue] },
    ])
  }

  async resume(queue: string): Promise<void> {
    this.#parts.refuseStopped('resume a queue')
    await this.#all([{ name: 'SREM', args: [this.#parts.keys.paused, queue] }])
    this.#parts.onChanged()
  }

  async deadLetters(
    filter: { queue?: string | undefined; limit?: number | undefined; after?: string | undefined } = {},
  ): Promise<DeadLetter[]> {
    this.#parts.refuseStopped('list dead letters')
    const { server, keys } = this.#parts
    const { queue, limit = Number.MAX_SAFE_INTEGER, after = '0' } = filter
    const index = queue === undefined ? keys.dead : keys.deadOf(queue)
    const letters: DeadLetter[] = []
    for (let last = after; letters.length < limit; ) {
      const count = Math.min(100, limit - letters.length)
      const args = [index, `(${Number(last) || 0}`, '+inf', 'LIMIT', 0, count]
      const ids = (await server.command('ZRANGEBYSCORE', args, { repeat: true, what: 'list dead letters' })) as string[]
      letters.push(...(await this.#read(ids)))
      if (ids.length < count) break
      last = ids.at(-1)!
    }
    return letters
  }

  async deadLetter(id: string): Promise<DeadLetter | undefined> {
    this.#parts.refuseStopped('show a dead letter')
    return (await this.#read([id]))[0]
  }

  async replayDead(ids: readonly string[]): Promise<number> {
    this.#parts.refuseStopped('replay dead letters')
    const { server, keys, onChanged } = this.#parts
    let count = 0
    for (const id of ids) {
      const [letter] = await this.#readWhole([id])
      if (letter === undefined) continue
      const { about, raw } = letter
      const text = freshText(raw)
      const at = { dead: keys.dead, deadOf: keys.deadOf(about.queue), letter: keys.letter(id), list: about.list }
      if (await replayDead.run(server, at, { id, text })) count++
    }
    onChanged()
    return count
  }

  async dropDead(ids: readonly string[]): Promise<number> {
    this.#parts.refuseStopped('drop dead letters')
    const { keys } = this.#parts
    let count = 0
    for (const id of ids) {
      const [letter] = await this.#readWhole([id])
      if (letter === undefined) continue
      const [removed] = await this.#all([
        { name: 'ZREM', args: [keys.dead, id] },
        { name: 'ZREM', args: [keys.deadOf(letter.about.queue), id] },
        { name: 'UNLINK', args: [keys.letter(id)] },
      ])
      count += Number(removed)
    }
    return count
  }

  async #counts(queue: string, claimed: ReadonlyMap<string, number>): Promise<QueueCounts> {
    const { keys, server } = this.#parts
    const lists = keys.lists(queue)
    const now = Math.floor(server.serverNow())
    const perList = (make: (list: string) => RedisCall): RedisCall[] => lists.map(make)
    const replies = (await this.#all([
      { name: 'ZCOUNT', args: [keys.ahead(queue), `(${now}`, '+inf'] },
      { name: 'ZCARD', args: [keys.deadOf(queue)] },
      { name: 'SISMEMBER', args: [keys.paused, queue] },
      ...perList((list) => ({ name: 'LLEN', args: [list] })),
      ...perList((list) => ({ name: 'ZCARD', args: [keys.dueOf(list)] })),
      ...perList((list) => ({ name: 'ZCOUNT', args: [keys.dueOf(list), '-inf', now] })),
    ])) as number[]
    const [ahead, dead, paused, ...rest] = replies
    const sum = (part: number): number =>
      rest.slice(part * lists.length, (part + 1) * lists.length).reduce((total, one) => total + one, 0)
    const [listed, parked, come] = [sum(0), sum(1), sum(2)]
    // Python may have taken some of those that wait in the list before their time.
    const early = Math.min(ahead!, listed)
    return {
      queue,
      waiting: listed - early + come,
      scheduled: parked - come + early,
      claimed: lists.reduce((total, list) => total + (claimed.get(list) ?? 0), 0),
      dead: dead!,
      paused: paused === 1,
    }
  }

  /** How many claims our workers have, by list. */
  async #claimedLists(): Promise<Map<string, number>> {
    const { server, keys } = this.#parts
    const owners = (await server.command('ZRANGE', [keys.owners, 0, -1], {
      repeat: true,
      what: 'count claims',
    })) as string[]
    const sides = (await this.#all(owners.map((id) => ({ name: 'HVALS', args: [keys.claims(id)] })))) as string[][]
    const counts = new Map<string, number>()
    for (const side of sides.flat()) {
      const { list } = readSide(side)
      counts.set(list, (counts.get(list) ?? 0) + 1)
    }
    return counts
  }

  /** Every list of the database; whose they are is told by their names alone. */
  async #lists(): Promise<string[]> {
    const { server } = this.#parts
    const found: string[] = []
    let cursor = '0'
    do {
      const args = [cursor, 'COUNT', atOnce, 'TYPE', 'list']
      const [next, names] = (await server.command('SCAN', args, { repeat: true, what: 'list queues' })) as [
        string,
        string[],
      ]
      found.push(...names)
      cursor = next
    } while (cursor !== '0')
    return found
  }

  async #read(ids: readonly string[]): Promise<DeadLetter[]> {
    return (await this.#readWhole(ids)).map(({ id, about, raw, since }) => {
      const { queue, reason, detail, taskId, task } = about
      const message = messageOf(raw)
      return {
        id,
        queue,
        reason: deadLetterReasons.find((one) => one === reason) ?? 'undecodable',
        detail,
        deadSince: since,
        ...(taskId !== undefined && { taskId }),
        ...(task !== undefined && { task }),
        raw: new Uint8Array(raw),
        ...(message !== undefined && { message }),
      }
    })
  }

  async #readWhole(ids: readonly string[]): Promise<WholeLetter[]> {
    const { keys, server } = this.#parts
    if (ids.length === 0) return []
    const calls = ids.map((id): RedisCall => ({ name: 'HMGET', args: [keys.letter(id), 'about', 'raw', 'since'] }))
    const replies = await server.pipeline(calls, { buffers: true, repeat: true, what: 'read dead letters' })
    return replies.flatMap((reply, index) => {
      if (reply instanceof Error) throw reply
      const [about, raw, since] = reply as (Buffer | null)[]
      if (about === null || about === undefined) return []
      const id = ids[index]!
      return [
        {
          id,
          about: JSON.parse(about.toString()) as WholeLetter['about'],
          raw: raw ?? Buffer.alloc(0),
          since: Number(since),
        },
      ]
    })
  }

  async #all(calls: readonly RedisCall[]): Promise<unknown[]> {
    if (calls.length === 0) return []
    const replies = await this.#parts.server.pipeline(calls, { repeat: true, what: 'look at queues' })
    for (const reply of replies) if (reply instanceof Error) throw reply
    return replies
  }
}

interface WholeLetter {
  readonly id: string
  readonly about: Omit<AboutLetter, 'reason'> & {
    readonly reason: DeadLetterReason
    readonly taskId?: string | undefined
    readonly task?: string | undefined
  }
  readonly raw: Buffer
  readonly since: number
}

function messageOf(raw: Buffer): DeadLetter['message'] {
  try {
    return decodeKombuEnvelope(raw).message
  } catch {
    return undefined // that is why it was set aside, and its raw bytes are kept
  }
}

/** As if it had never been delivered; what is no message goes back as it is. */
function freshText(raw: Buffer): string | Buffer {
  return messageOf(raw) === undefined ? raw : unmark(raw.toString())
}

/** Where answers to remote control go, of Python's workers and of programs that ask them. */
function isReplyQueue(queue: string): boolean {
  return queue.endsWith('.pidbox') || queue.startsWith('celeryev.')
}
