import type { Outgoing, Settlement } from '../../lib/broker/broker.ts'
import { bodyOf } from './check-deliveries.ts'
import type { Held } from './model-worker.ts'
import type { SettleSpec } from './steps.ts'
import type { Incoming, RecordSeen } from './store-model.ts'

/** What the specs of steps become, as a broker takes it. */

export function outgoing({ id, spec }: Incoming, now: number): Outgoing {
  const isPlain = spec.to !== 'fan' && spec.to !== 'topic' && spec.to !== 'nowhere'
  return {
    message: {
      headers: { id, task: 'model.task' },
      properties: spec.priority === undefined ? {} : { priority: spec.priority },
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      body: bodyOf(id),
    },
    route: isPlain ? { exchange: '', routingKey: spec.to } : { exchange: spec.to, routingKey: 'a.b.c' },
    notBefore: spec.dueIn === undefined ? undefined : now + spec.dueIn,
  }
}

export function settlementOf(parts: {
  readonly spec: SettleSpec
  readonly held: Held
  readonly now: number
  readonly follow: readonly Incoming[]
  readonly record: RecordSeen | undefined
}): Settlement {
  const { spec, held, now, follow, record } = parts
  return {
    claim: held.claim,
    disposition: spec.how,
    counted: spec.how === 'give-back' ? spec.counted : undefined,
    notBefore: spec.dueIn === undefined ? undefined : now + spec.dueIn,
    record: record === undefined ? undefined : { id: idOf(held), contentType: 'application/json', ...record },
    publish: follow.map((message) => outgoing(message, now)),
  }
}

export function idOf({ key }: Held): string {
  return key.slice(0, key.indexOf('@'))
}
