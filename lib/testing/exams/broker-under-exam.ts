import { strict as assert } from 'node:assert'
import type { Broker, Claim, ConsumeOptions, Consumer, Delivery, Outgoing, Settlement } from '../../broker/broker.ts'
import type { WireMessage } from '../../message/wire-message.ts'
import type { ResultBackend } from '../../result/result-backend.ts'
import type { StoredRecord } from '../../result/result-record.ts'
import { soon } from './exam.ts'

/** A broker that sits the exam, with what the examiner needs around it. Everything in it is empty and started. */
export interface BrokerUnderExam {
  readonly broker: Broker
  /** A second participant in the same store, as another process has it; stopped by `stop()`. Left out where there can be none. */
  readonly join?: (() => Promise<Broker>) | undefined
  /** On the same store, where the broker settles results. */
  readonly results?: ResultBackend | undefined
  /** The broker's wall clock. */
  now(): number
  /** Lets time pass: really, or on the fake clock that the broker was given. */
  advance(ms: number): Promise<void>
  /** From now on the consumer is as one of a process that hangs: nobody renews its lease. What it gives ends that. */
  hang(consumer: Consumer): Promise<() => void>
  /** Puts bytes that are no message into a queue. Left out where nobody can. */
  readonly damage?: ((queue: string, raw: Uint8Array) => Promise<void>) | undefined
  /** Stops everything and removes what is left. */
  stop(): Promise<void>
}

/** A message to the queue of that name, with the id as its task id and in its body. */
export function messageTo(queue: string, id: string, more: Partial<Outgoing> & { priority?: number } = {}): Outgoing {
  const { priority, ...rest } = more
  const properties = priority === undefined ? {} : { priority }
  return { message: wireMessage(id, { properties }), route: { exchange: '', routingKey: queue }, ...rest }
}

/** A plain message. */
export function wireMessage(id: string, more: Partial<WireMessage> = {}): WireMessage {
  return {
    headers: { id, task: 'exam.task' },
    properties: {},
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: JSON.stringify([[id], {}, {}]),
    ...more,
  }
}

/** A final record. */
export function recordOf(id: string, more: Partial<StoredRecord> = {}): StoredRecord {
  return { id, state: 'SUCCESS', document: `{"of":"${id}"}`, contentType: 'application/json', ...more }
}

export function idOf({ message }: Pick<Delivery, 'message'>): string {
  return String(message.headers['id'])
}

export function idsOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.map(idOf)
}

/** What a consumer was given, in order, waiting to be taken. */
export class Inbox {
  readonly all: Delivery[] = []
  readonly errors: Error[] = []
  #taken = 0
  #wake: (() => void) | undefined

  readonly onDeliveries = (batch: readonly Delivery[]): void => {
    assert.ok(batch.length > 0, 'onDeliveries got an empty batch')
    this.all.push(...batch)
    this.#wake?.()
  }

  readonly onError = (error: Error): void => {
    this.errors.push(error)
    this.#wake?.()
  }

  /** The next deliveries; waits for as many. */
  async take(count: number): Promise<Delivery[]> {
    await soon(`${count} deliveries (${this.all.length - this.#taken} came)`, this.#until(count))
    this.#taken += count
    return this.all.slice(this.#taken - count, this.#taken)
  }

  async next(): Promise<Delivery> {
    return (await this.take(1))[0]!
  }

  async #until(count: number): Promise<void> {
    while (this.all.length - this.#taken < count) {
      if (this.errors[0] !== undefined) throw this.errors[0]
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

export interface Consumption {
  readonly consumer: Consumer
  readonly inbox: Inbox
}

let owners = 0

/** Consumes into a new inbox; of queue `q`, prefetch 100 and a long lease, unless told otherwise. */
export async function consume(
  broker: Broker,
  options: Partial<ConsumeOptions> & { queues?: readonly string[] } = {},
): Promise<Consumption> {
  const { queues = ['q'], ...rest } = options
  const inbox = new Inbox()
  const { onDeliveries, onError } = inbox
  const consumer = await broker.consume(queues, {
    owner: `exam-${++owners}`,
    prefetch: 100,
    leaseMs: 600_000,
    onDeliveries,
    onError,
    ...rest,
  })
  await consumer.start()
  return { consumer, inbox }
}

/** Settles one claim. */
export async function settle(
  broker: Broker,
  of: { readonly claim: Claim },
  more: Omit<Partial<Settlement>, 'claim'> = {},
): Promise<string> {
  const [reply] = await broker.settle([{ claim: of.claim, disposition: 'done', ...more }])
  return reply!
}

/** A lease that lapses soon, for consumers that are going to hang. */
export const shortLeaseMs = 300
/** By then a lapsed claim has come back. */
export const recoveredAfterMs = 1_500
