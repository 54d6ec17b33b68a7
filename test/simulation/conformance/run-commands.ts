import type { Broker, Consumer, Delivery, Settlement } from '../../../lib/broker/broker.ts'
import type { ResultBackend } from '../../../lib/result/result-backend.ts'
import { messageTo, recordOf } from '../../../lib/testing/exams/broker-under-exam.ts'
import { longestWaitMs } from '../unkind-broker/fake-messages.ts'
import type { Command } from './commands.ts'

/** A broker that is compared with others. */
export interface Candidate {
  readonly broker: Broker
  readonly results: ResultBackend
  join?(): Promise<Broker>
  now(): number
  advance(ms: number): Promise<void>
  hang(consumer: Consumer): void
  /** Settles a promise, and lets everything that is on its way arrive. */
  settled<T>(promise: Promise<T>): Promise<T>
  stop(): Promise<void>
}

const shortLeaseMs = 300
const lapsedAfterMs = 1_500
/** Later than the lease's end, and sooner than what is held back may come. */
const atOnceMs = 350

/** What can be seen of a broker while a sequence runs, as lines of text that another broker must give too. */
export async function runCommands(candidate: Candidate, commands: readonly Command[]): Promise<string[]> {
  const run = new Run(candidate)
  try {
    for (const [index, command] of commands.entries()) await run.do(command, index)
    return run.lines
  } finally {
    await candidate.stop()
  }
}

class Run {
  readonly lines: string[] = []
  readonly #candidate: Candidate
  readonly #held: Delivery[] = []
  readonly #stale: Delivery[] = []
  readonly #consumers = new Map<string, Puller>()
  #lastToken = 0

  constructor(candidate: Candidate) {
    this.#candidate = candidate
  }

  async do(command: Command, index: number): Promise<void> {
    const { broker, results, settled } = this.#candidate
    const outcome = await this.#outcome(command, index)
    const counts = await this.#counts()
    const dead = await settled(broker.admin.deadLetters())
    const records = await settled(results.fetch(this.#held.concat(this.#stale).map(idOf)))
    this.lines.push(
      [
        `${command.do}: ${outcome}`,
        counts,
        dead.map(({ taskId, reason }) => `${taskId} ${reason}`).join(' '),
        records.filter(({ kind }) => kind === 'record').length,
      ].join(' | '),
    )
  }

  async #outcome(command: Command, index: number): Promise<string> {
    const { broker, settled, now, advance } = this.#candidate
    switch (command.do) {
      case 'publish': {
        const { queue, priority, inMs } = command
        const notBefore = inMs === undefined ? undefined : now() + inMs
        return this.#codeOf(
          broker.publish([messageTo(queue, `m${index}`, { priority, ...(notBefore && { notBefore }) })]),
        )
      }
      case 'pull':
        return this.#pull(await this.#consumer(command.queue), command.count, this.#held)
      case 'settle':
        return this.#settle(command, index)
      case 'settle stale': {
        const delivery = this.#stale[command.which % this.#stale.length]
        if (delivery === undefined) return 'nothing'
        const record = command.record ? recordOf(idOf(delivery)) : undefined
        return this.#codeOf(broker.settle([{ claim: delivery.claim, disposition: 'done', record }]))
      }
      case 'advance':
        await advance(command.ms)
        return ''
      case 'lapse':
        return this.#lapse(command)
      case 'leave':
        return this.#leave(command.queue, command.count)
      case 'replay':
      case 'drop': {
        const [letter] = await settled(broker.admin.deadLetters())
        const ids = letter === undefined ? [] : [letter.id]
        return String(
          await settled(command.do === 'replay' ? broker.admin.replayDead(ids) : broker.admin.dropDead(ids)),
        )
      }
      case 'purge':
        return String(await settled(broker.admin.purge(command.queue)))
      default:
        await settled(broker.admin[command.do](command.queue))
        return ''
    }
  }

  async #settle(command: Command & { do: 'settle' }, index: number): Promise<string> {
    const { broker, now } = this.#candidate
    if (this.#held.length === 0) return 'nothing'
    const [delivery] = this.#held.splice(command.which % this.#held.length, 1)
    const { disposition, counted, inMs, record, follow } = command
    const settlement: Settlement = {
      claim: delivery!.claim,
      disposition,
      counted,
      notBefore: inMs === undefined ? undefined : now() + inMs,
      reason: disposition === 'dead-letter' ? 'rejected' : undefined,
      record: record ? recordOf(idOf(delivery!)) : undefined,
      publish: follow === undefined ? undefined : [messageTo(follow, `f${index}`)],
    }
    this.#stale.push(delivery!)
    return `${idOf(delivery!)} ${disposition} ${await this.#codeOf(broker.settle([settlement]))}`
  }

  async #lapse({ queue, count, isSeenAtOnce }: Command & { do: 'lapse' }): Promise<string> {
    const { broker, settled, advance, hang } = this.#candidate
    const puller = await Puller.open(broker, queue, shortLeaseMs)
    const { pulled, heldBackMs } = await this.#pullToLose(puller, count)
    hang(puller.consumer)
    await advance(atOnceMs)
    const seen = isSeenAtOnce ? await this.#counts() : ''
    await advance(lapsedAfterMs - atOnceMs + heldBackMs)
    await settled(puller.consumer.stop())
    return `${pulled} ${seen}`
  }

  async #leave(queue: string, count: number): Promise<string> {
    const other = await this.#candidate.settled(this.#candidate.join!())
    const { pulled, heldBackMs } = await this.#pullToLose(await Puller.open(other, queue, 600_000), count)
    await this.#candidate.settled(other.stop())
    const seen = await this.#counts()
    await this.#candidate.advance(heldBackMs)
    return `${pulled} ${seen}`
  }

  /** Pulls what will be lost. How long of its time what was lost before is held back is any broker's own, so time goes on past all of it. */
  async #pullToLose(puller: Puller, count: number): Promise<{ pulled: string; heldBackMs: number }> {
    const from = this.#stale.length
    const pulled = await this.#pull(puller, count, this.#stale)
    const waits = this.#stale.slice(from).map(({ losses }) => longestWaitMs(losses + 1))
    const longestMs = Math.max(0, ...waits)
    return { pulled, heldBackMs: longestMs }
  }

  async #counts(): Promise<string> {
    const counts = await this.#candidate.settled(this.#candidate.broker.admin.queues())
    return counts.map((one) => `${one.queue} ${one.waiting}/${one.scheduled}/${one.claimed}/${one.dead}`).join(' ')
  }

  /** As many as there are, at most `count`, in the order that they come in. */
  async #pull(puller: Puller, count: number, into: Delivery[]): Promise<string> {
    const { settled } = this.#candidate
    const got = await puller.pull(count, () => settled(Promise.resolve()))
    for (const { claim } of got) {
      if (claim.token <= this.#lastToken) throw new Error(`token ${claim.token} comes after ${this.#lastToken}`)
      this.#lastToken = claim.token
    }
    into.push(...got)
    return got
      .map((one) => `${idOf(one)} ${one.queue} ${one.redelivered ? 'again' : 'new'} ${one.losses} ${one.returns}`)
      .join(', ')
  }

  async #consumer(queue: string): Promise<Puller> {
    const known = this.#consumers.get(queue)
    if (known !== undefined) return known
    const made = await this.#candidate.settled(Puller.open(this.#candidate.broker, queue, 600_000))
    this.#consumers.set(queue, made)
    return made
  }

  async #codeOf(promise: Promise<unknown>): Promise<string> {
    try {
      return String((await this.#candidate.settled(promise)) ?? 'ok')
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    }
  }
}

let owners = 0

/** A consumer that claims only when asked to. */
class Puller {
  readonly consumer: Consumer
  readonly #inbox: Delivery[]

  constructor(consumer: Consumer, inbox: Delivery[]) {
    this.consumer = consumer
    this.#inbox = inbox
  }

  static async open(broker: Broker, queue: string, leaseMs: number): Promise<Puller> {
    const inbox: Delivery[] = []
    const consumer = await broker.consume([queue], {
      owner: `puller-${++owners}`,
      prefetch: 0,
      leaseMs,
      onDeliveries: (batch) => void inbox.push(...batch),
      onError: () => {},
    })
    await consumer.start()
    return new Puller(consumer, inbox)
  }

  async pull(count: number, arrive: () => Promise<void>): Promise<Delivery[]> {
    this.consumer.setPrefetch(this.consumer.unsettled + count)
    await arrive()
    this.consumer.setPrefetch(0)
    await arrive()
    return this.#inbox.splice(0)
  }
}

function idOf({ message }: Delivery): string {
  return String(message.headers['id'])
}
