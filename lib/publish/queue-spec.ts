import { printable } from '../base/loggable.ts'
import { nearestName } from '../base/nearest-name.ts'
import type { Exchange, Queue } from '../broker/queue.ts'
import { queueNameProblem } from './queue-name.ts'

/** A queue in `taskQueues`, when more than its name is to be said. */
export interface QueueSpec {
  readonly name: string
  /** Exchange that it is bound to. @default `taskDefaultExchange`, which is named as the default queue */
  readonly exchange?: string | undefined
  /** @default `taskDefaultExchangeType` */
  readonly exchangeType?: Exchange['type'] | undefined
  /** Routing key that leads here; a topic exchange's may hold `*` (one word) and `#` (any words). @default the queue's own name */
  readonly routingKey?: string | undefined
  /** Further routing keys that lead here, by the same exchange. */
  readonly bindings?: readonly { readonly routingKey: string }[] | undefined
}

/** What queues are made of that say less than everything. */
export interface QueueDefaults {
  readonly queue: string
  readonly exchange: string | null
  readonly exchangeType: Exchange['type']
  readonly routingKey: string | null
}

/** Exchange types that every broker can do. AMQP's fourth, `headers`, comes with a broker that has it. */
export const exchangeTypes = ['direct', 'topic', 'fanout'] as const

const keys = ['name', 'exchange', 'exchangeType', 'routingKey', 'bindings'] as const
// Celery's, for RabbitMQ; a queue that silently lacks its length limit is worse than one that is refused.
const laterKeys =
  'queueArguments bindingArguments consumerArguments durable exclusive autoDelete noAck alias messageTtl expires maxLength maxLengthBytes maxPriority'

/** The queue that a spec or a bare name declares. The spec must have passed {@link queueSpecProblems}. */
export function queueOfSpec(spec: string | QueueSpec, defaults: QueueDefaults): Queue {
  const { name, exchange, exchangeType, routingKey, bindings = [] } = typeof spec === 'string' ? { name: spec } : spec
  const first =
    routingKey ?? (name === defaults.queue ? defaults.routingKey : null) ?? (bindings.length > 0 ? [] : name)
  return {
    name,
    exchange: {
      name: exchange ?? defaults.exchange ?? defaults.queue,
      type: exchangeType ?? defaults.exchangeType,
    },
    routingKeys: [first, bindings.map((binding) => binding.routingKey)].flat(),
    durable: true,
    arguments: {},
  }
}

/** A queue that nobody declared: a direct exchange of its own name leads to it, as Celery makes them. */
export function missingQueue(name: string): Queue {
  return { name, exchange: { name, type: 'direct' }, routingKeys: [name], durable: true, arguments: {} }
}

/** Everything that is wrong with a value of `taskQueues`; phrases that follow the setting's name. */
export function queueSpecProblems(value: unknown): string[] {
  if (!Array.isArray(value))
    return ["must be a list of queues: names, or objects such as { name: 'mail', routingKey: 'mail.#' }"]
  const seen = new Set<string>()
  const exchanges = new Map<string, unknown>()
  return value.flatMap((spec: unknown, index) => {
    const problems = oneSpecProblems(spec).map((problem) => `[${index}]${problem}`)
    if (problems.length > 0) return problems
    const { name, exchange, exchangeType } = (typeof spec === 'string' ? { name: spec } : spec) as QueueSpec
    if (seen.has(name)) return [`[${index}] declares queue "${name}" a second time`]
    seen.add(name)
    if (exchange === undefined || exchangeType === undefined) return []
    const known = exchanges.get(exchange) ?? exchangeType
    if (known !== exchangeType) return [`[${index}] gives exchange "${exchange}" another type than before`]
    exchanges.set(exchange, exchangeType)
    return []
  })
}

function oneSpecProblems(spec: unknown): string[] {
  if (typeof spec === 'string' || spec === null || typeof spec !== 'object') {
    const problem = queueNameProblem(spec)
    return problem === undefined ? [] : [` must be ${problem}`]
  }
  return Object.entries(spec)
    .concat(Object.hasOwn(spec, 'name') ? [] : [['name', '']])
    .flatMap(([key, value]) => fieldProblems(key, value))
}

function fieldProblems(key: string, value: unknown): string[] {
  if (value === undefined && key !== 'name') return []
  if (key === 'bindings') {
    if (!Array.isArray(value)) return ['.bindings must be a list of { routingKey }']
    return value.flatMap((binding: unknown, index) =>
      bindingProblems(binding).map((problem) => `.bindings[${index}]${problem}`),
    )
  }
  if (key === 'exchangeType')
    return exchangeTypes.includes(value as 'direct')
      ? []
      : [`.exchangeType must be ${exchangeTypes.join(', ')} (headers is not supported yet)`]
  if ((keys as readonly string[]).includes(key)) {
    const problem = queueNameProblem(value)
    return problem === undefined ? [] : [`.${key} must be ${problem}`]
  }
  if (laterKeys.split(' ').includes(key)) return [`.${key} is not supported yet: no broker of this version has it`]
  const nearest = nearestName(key, keys)
  return [
    `.${printable(key.slice(0, 60))} is unknown. ${nearest === undefined ? `A queue has ${keys.join(', ')}` : `Did you mean ${nearest}?`}`,
  ]
}

function bindingProblems(binding: unknown): string[] {
  if (typeof binding !== 'object' || binding === null) return [' must be an object { routingKey }']
  return Object.entries(binding)
    .concat(Object.hasOwn(binding, 'routingKey') ? [] : [['routingKey', '']])
    .flatMap(([key, value]) => {
      if (key !== 'routingKey')
        return [`.${printable(key.slice(0, 60))} is unknown. A binding has routingKey; its exchange is the queue's`]
      const problem = queueNameProblem(value)
      return problem === undefined ? [] : [`.routingKey must be ${problem}`]
    })
}
