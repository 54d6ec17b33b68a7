import { isUtf8 } from 'node:buffer'
import type { Umbel } from '../../lib/app/app.ts'
import { DecodeError } from '../../lib/base/errors.ts'
import { type DeadLetterReason, deadLetterReasons, type Settlement } from '../../lib/broker/broker.ts'
import { decodeEnvelope, encodeEnvelope } from '../../lib/broker/envelope.ts'
import { AsyncPool } from '../../workers/pool/async-pool.ts'
import { TaskBoard } from '../../workers/presence/task-board.ts'
import type { Settler } from '../../workers/request/settle.ts'
import { work } from '../../workers/request/work.ts'
import type { WorkParts } from '../../workers/request/work-parts.ts'
import { type AttemptBench, attemptBench } from '../support/attempts.ts'
import { capturedMessages, celeryVersions, fixture, wireOf } from '../wire/captured.ts'
import type { Envelope } from './mutate.ts'

/** What may become of a message, whatever is in it. `parked` waits for its time, `returned` for a worker that knows its task. */
export type Ending = 'done' | 'parked' | 'returned' | DeadLetterReason

export interface Fate {
  readonly ending: Ending
  /** Why it is a dead letter. */
  readonly detail: string
  /** State of the record that is left. */
  readonly state: string | undefined
}

/** Takes envelopes through all that a worker does with a message, but for its broker. */
export interface WorkRig {
  readonly bench: AttemptBench
  /** @throws what should never have got out */
  fateOf(envelope: Envelope): Promise<Fate>
}

/** Defines the tasks that Python's captured messages name. What they return is what they were given. */
export function defineCapturedTasks(app: Umbel): void {
  const takesAnything = ['*args', '**kwargs']
  for (const name of ['cap.add', 'cap.ident', 'cap.echo', 'cap.errback', 'foreign.task', 'celery.map', 'hostile.echo'])
    app.task({ name, params: takesAnything }, (...args: unknown[]) => args)
  app.task({ name: 'hostile.fails', params: takesAnything }, (...args: unknown[]) => {
    throw Object.assign(new Error('It failed, as it should.'), { args })
  })
  app.task({ name: 'hostile.retries', params: takesAnything, autoretryFor: [Error], maxRetries: 3 }, () => {
    throw new Error('It failed, and is tried again.')
  })
  app.task({ name: 'hostile.once', params: takesAnything, acksLate: false }, (...args: unknown[]) => args)
}

export async function workRig(): Promise<WorkRig> {
  const bench = await attemptBench({ resultExtended: true })
  const { app, clock, parts: attempts } = bench
  defineCapturedTasks(app)
  const settled: Settlement[] = []
  const settler = {
    settle: (_: unknown, settlement: Settlement) => void settled.push(settlement),
    leave: (_: unknown, aftermath: Pick<Settlement, 'record' | 'publish'>) => Object.assign(settled.at(-1)!, aftermath),
    confirm: async (_: unknown, settlement: Settlement) => {
      settled.push({ ...settlement })
      return 'settled'
    },
  } as unknown as Settler
  const parts: WorkParts = {
    tasks: app.tasks,
    defaults: app.callDefaults,
    policy: attempts.policy,
    limits: { maxDeliveries: 10, unknownTaskLimitMs: 3_600_000 },
    hostname: 'w1@test',
    clock,
    logger: app.logger,
    events: app.events,
    isRevoked: (id) => id === 'revoked',
    pool: new AsyncPool(attempts, new TaskBoard()),
    settler,
    records: attempts.records,
    keepsResults: true,
    extendsResults: true,
    onRan: () => {},
  }
  return {
    bench,
    async fateOf(envelope) {
      bench.lines.length = 0
      const read = readEnvelope(envelope)
      if (typeof read === 'string') return { ending: 'undecodable', detail: read, state: undefined }
      settled.length = 0
      const claim = { key: 1, token: 1, queue: 'celery' }
      const counts = { redelivered: false, losses: 0, returns: 0 }
      await work({ claim, queue: 'celery', ...read, ...counts }, parts)
      if (settled.length !== 1) throw new Error(`It was settled ${settled.length} times.`)
      return fateOfSettlement(settled[0]!)
    },
  }
}

/** As the embedded store reads a row: the message, or why there is none. */
function readEnvelope(envelope: Envelope): ReturnType<typeof decodeEnvelope> | string {
  if (typeof envelope !== 'string' && !isUtf8(envelope)) return 'It is no UTF-8 text.'
  try {
    return decodeEnvelope(typeof envelope === 'string' ? envelope : Buffer.from(envelope).toString('utf8'), 'celery')
  } catch (error) {
    if (error instanceof DecodeError) return error.message
    throw error
  }
}

/** Everything that a broker would do with a settlement can be done. */
function fateOfSettlement({ disposition, reason, detail = '', record, publish, counted }: Settlement): Fate {
  for (const { message, route, notBefore } of publish ?? []) {
    decodeEnvelope(encodeEnvelope(message, route, route.routingKey), route.routingKey)
    if (notBefore !== undefined && !Number.isFinite(notBefore)) throw new Error(`A follow-up is due at ${notBefore}.`)
  }
  if (record !== undefined) {
    const document: unknown = JSON.parse(String(record.document).replaceAll(/-?\b(NaN|Infinity)\b/g, 'null'))
    if (typeof document !== 'object') throw new Error('The record is no document.')
  }
  const fate = { detail, state: record?.state }
  if (disposition === 'done') return { ...fate, ending: 'done' }
  if (disposition === 'park') return { ...fate, ending: 'parked' }
  if (disposition === 'give-back') {
    if (counted !== 'return') throw new Error('It was given back as if its worker had died.')
    return { ...fate, ending: 'returned' }
  }
  if (reason === undefined || !deadLetterReasons.includes(reason)) throw new Error(`Dead for the reason ${reason}.`)
  if (detail === '' || detail.length > 2000) throw new Error(`A detail of ${detail.length} characters.`)
  return { ...fate, ending: reason }
}

/** Valid envelopes to begin from: what Python sends, what foreign producers send, and what we send ourselves. */
export async function validEnvelopes(): Promise<string[]> {
  const route = { exchange: '', routingKey: 'celery' }
  const captured = celeryVersions.flatMap((version) => [
    ...capturedMessages(version).map(({ envelope }) => envelope),
    ...fixture(`foreign-producer-probes-${version}`).probes.map(({ message }: { message: unknown }) => message),
  ])
  const envelopes = captured.flatMap((message) => {
    try {
      const { priority, delivery_mode: deliveryMode } = message.properties
      const wire = wireOf(message)
      const properties = { ...wire.properties, priority, deliveryMode }
      return [encodeEnvelope({ ...wire, headers: wire.headers ?? {}, properties }, route, 'celery')]
    } catch {
      return [] // what was broken already, such as the one without properties
    }
  })
  return [...envelopes, ...(await ownEnvelopes())]
}

async function ownEnvelopes(): Promise<string[]> {
  const bench = await attemptBench()
  defineCapturedTasks(bench.app)
  const link = bench.app.signature({ task: 'hostile.echo', args: ['after'], kwargs: {}, options: { queue: 'next' } })
  const calls: [string, unknown[], object][] = [
    ['hostile.echo', [1, 'two', { three: [3, null, 4.5] }], { kwargs: { a: 1, b: 'x' } }],
    ['hostile.echo', [new Date(0), new Uint8Array([1, 2, 255]), 2n ** 70n, Number.NaN], {}],
    ['hostile.echo', ['x'.repeat(2000)], { compression: 'gzip', headers: { 'x-trace': 'abc' } }],
    ['hostile.echo', [{ deep: [[[[[1]]]]] }], { serializer: 'msgpack', priority: 3 }],
    ['hostile.echo', [1], { link, linkError: link, shadow: 'shown', timeLimit: 30, softTimeLimit: 20 }],
    ['hostile.fails', [1], { linkError: link, replyTo: 'reply', messageId: 'm', appId: 'a' }],
    ['hostile.retries', [1], { link, expires: '1h', headers: { tenant: { id: 5 } } }],
    ['hostile.retries', [1], { serializer: 'msgpack', compression: 'brotli', ignoreResult: true }],
    ['hostile.once', [1], { eta: '2020-01-01T00:00:00Z' }],
  ]
  const envelopes = calls.map(([task, args, options]) => {
    const { message, route } = bench.job(task, args, { taskId: `id-of-${task}`, ...options })
    return encodeEnvelope(message, route, 'celery')
  })
  await bench.app.close()
  return envelopes
}
