import { Unroutable } from '../../base/errors.ts'
import type { RedisCommands } from '../../driver/redis/redis-commands.ts'
import { type Exchange, matchesTopic, type Queue, type Route } from '../queue.ts'
import type { RedisKeys } from './redis-keys.ts'
import { declare } from './scripts/declare.ts'
import { type Deed, deedArgs } from './scripts/deeds.ts'

/** Where a message goes. */
export interface Destinations {
  readonly queues: readonly string[]
  /** The channel on which subscribers of a fanout exchange listen. */
  readonly channel: string | undefined
}

/** Queues, exchanges and bindings as kombu keeps them, and beside them what it does not keep. */
export class RedisTopology {
  readonly #keys: RedisKeys
  readonly #server: RedisCommands
  readonly #declared = new Map<string, Queue>()

  constructor(server: RedisCommands, keys: RedisKeys) {
    this.#server = server
    this.#keys = keys
  }

  /** Kept, to be declared again where a server turns out to have lost it. @throws {InvalidCall} for names that can't be queues */
  async declare(queues: readonly Queue[]): Promise<void> {
    for (const { name } of queues) this.#keys.checkQueue(name)
    await this.#send(queues)
    for (const queue of queues) this.#declared.set(queue.name, queue)
  }

  /** Makes the names of queues known that are reached by their names alone. */
  async remember(queues: readonly string[]): Promise<void> {
    if (queues.length > 0) await this.#run([['SADD', this.#keys.queues, ...queues]])
  }

  /** Declares again what was declared here. */
  async redeclare(): Promise<void> {
    await this.#send([...this.#declared.values()])
  }

  /** @throws {Unroutable} when no queue takes it */
  async destinations(route: Route): Promise<Destinations> {
    const { exchange, routingKey } = route
    if (exchange === '') return { queues: [routingKey], channel: undefined }
    const { separator } = this.#keys.layout
    const [type, bindings, fanout] = await this.#read(exchange)
    const bound = bindings.map((member) => member.split(separator))
    const isFanout = type === 'fanout'
    const isTopic = type === 'topic' || (type === undefined && bound.some(([, pattern]) => pattern !== ''))
    const isBound = (key: string): boolean => (isTopic ? matchesTopic(key, routingKey) : key === routingKey)
    const queues = isFanout
      ? fanout
      : bound.filter(([key = '', , queue]) => queue !== undefined && isBound(key)).map(([, , queue]) => queue!)
    // Subscribers of kombu's leave a binding behind too.
    if (queues.length === 0 && !(isFanout && bound.length > 0)) throw unroutable(route)
    return {
      queues: [...new Set(queues)].sort(),
      channel: isFanout ? this.#keys.channel(exchange, routingKey) : undefined,
    }
  }

  async #read(exchange: string): Promise<[Exchange['type'] | undefined, string[], string[]]> {
    const replies = await this.#server.pipeline(
      [
        { name: 'HGET', args: [this.#keys.exchanges, exchange] },
        { name: 'SMEMBERS', args: [this.#keys.bindings(exchange)] },
        { name: 'SMEMBERS', args: [this.#keys.fanout(exchange)] },
      ],
      { repeat: true, what: 'read bindings' },
    )
    for (const reply of replies) if (reply instanceof Error) throw reply
    const [type, bindings, fanout] = replies as [Exchange['type'] | null, string[], string[]]
    const declared = [...this.#declared.values()].find((queue) => queue.exchange.name === exchange)
    return [type ?? declared?.exchange.type, bindings, fanout]
  }

  async #send(queues: readonly Queue[]): Promise<void> {
    const deeds = queues.flatMap((queue) => this.#deedsFor(queue))
    if (deeds.length > 0) await this.#run(deeds)
  }

  async #run(deeds: readonly Deed[]): Promise<void> {
    const options = { restArgs: deedArgs(deeds), what: 'declare queues' }
    await declare.run(this.#server, { queues: this.#keys.queues }, {}, options)
  }

  #deedsFor({ name, exchange, routingKeys }: Queue): Deed[] {
    const keys = this.#keys
    const deeds: Deed[] = [['SADD', keys.queues, name]]
    if (exchange.name === '') return deeds
    deeds.push(['HSET', keys.exchanges, exchange.name, exchange.type])
    if (exchange.type === 'fanout') deeds.push(['SADD', keys.fanout(exchange.name), name])
    const keysBound = exchange.type === 'fanout' && routingKeys.length === 0 ? [''] : routingKeys
    const members = keysBound.map((key) =>
      [key, exchange.type === 'topic' ? topicPattern(key) : '', name].join(keys.layout.separator),
    )
    if (members.length > 0) deeds.push(['SADD', keys.bindings(exchange.name), ...members])
    return deeds
  }
}

/** What kombu's readers match routing keys with; they compile it. @see kombu's `TopicExchange.key_to_pattern` */
function topicPattern(routingKey: string): string {
  const wildcards: Readonly<Record<string, string>> = { '*': '.*?[^\\.]', '#': '.*?' }
  const words = routingKey.split('.').map((word) => wildcards[word] ?? word)
  return `^${words.join('\\.')}$`
}

function unroutable({ exchange, routingKey }: Route): Unroutable {
  return new Unroutable(
    `Cannot publish to exchange "${exchange}" with routing key "${routingKey}": no queue is bound to it. Declare one, or correct the route.`,
  )
}
