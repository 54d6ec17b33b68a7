import type { Clock } from '../../base/clock.ts'
import { Closed } from '../../base/errors.ts'
import type { Service } from '../../base/service.ts'
import type { Generation } from '../../driver/redis/redis-commands.ts'
import type { RedisEndpoint } from '../../driver/redis/redis-endpoint.ts'
import { openRedisServer, type RedisServer } from '../../driver/redis/redis-server.ts'
import type { WireMessage } from '../../message/wire-message.ts'
import { ResultKeys } from '../../result/redis/result-keys.ts'
import type {
  Broker,
  BrokerAdmin,
  BrokerCapabilities,
  BrokerGuarantee,
  ConsumeOptions,
  Consumer,
  Outgoing,
  Settlement,
  SettleReply,
} from '../broker.ts'
import type { Queue } from '../queue.ts'
import { RedisAdmin } from './redis-admin.ts'
import { RedisClaims } from './redis-claims.ts'
import { RedisConsumer } from './redis-consumer.ts'
import { RedisDue } from './redis-due.ts'
import { readRedisFacts, redisGuarantees } from './redis-guarantees.ts'
import { defaultLayout, RedisKeys, type RedisLayout } from './redis-keys.ts'
import { redisLease } from './redis-lease.ts'
import { RedisPublisher } from './redis-publisher.ts'
import { RedisSweeper } from './redis-sweeper.ts'
import { RedisTopics } from './redis-topics.ts'
import { RedisTopology } from './redis-topology.ts'
import { RedisWakeups } from './redis-wakeups.ts'
import { returnClaims } from './return-claims.ts'

export interface RedisBrokerOptions {
  readonly endpoint: RedisEndpoint
  readonly clock: Clock
  /** What other clients of the same Redis are set to; kombu's defaults where left out. */
  readonly layout?: Partial<RedisLayout> | undefined
  /** How long Python may hold a message without giving a sign, ms. @default 3_600_000 */
  readonly visibilityMs?: number | undefined
  /** Replicas that must have a publication before it resolves. @default 0 */
  readonly replicas?: number | undefined
  /** How long a call may take, ms. @default 10_000 */
  readonly timeoutMs?: number | undefined
  /** Before the keys of results: the result backend's `keyPrefix`. @default none */
  readonly resultKeyPrefix?: string | undefined
}

/** Messages in Redis, where kombu has them: Python's workers and ours serve the same queues. */
export class RedisBroker implements Broker {
  readonly capabilities: BrokerCapabilities = {
    settlesResults: true,
    priorityOrder: 'lowest-first',
    durable: true,
    sharedByProcesses: true,
  }
  readonly store: string
  readonly admin: BrokerAdmin
  readonly #server: RedisServer
  readonly #clock: Clock
  readonly #keys: RedisKeys
  readonly #topology: RedisTopology
  readonly #publisher: RedisPublisher
  readonly #claims: RedisClaims
  readonly #topics: RedisTopics
  readonly #wakeups: RedisWakeups
  readonly #due: RedisDue
  readonly #sweeper: RedisSweeper
  readonly #consumers = new Set<RedisConsumer>()
  /** Owners of this process, stopped ones too: what they hold goes back when the broker stops. */
  readonly #owners = new Set<string>()
  readonly #stopListening: () => void
  readonly #replicas: number
  #generation: Generation | undefined
  #isStopped = false

  constructor(options: RedisBrokerOptions) {
    const { endpoint, clock, layout, visibilityMs = 3_600_000, replicas = 0, timeoutMs = 10_000 } = options
    const server = openRedisServer({ endpoint, clock, timeoutMs: timeoutMs })
    const keys = new RedisKeys({ ...defaultLayout, db: endpoint.db, ...layout })
    const onReady = (): void => this.#wake()
    const onError = (error: Error): void => this.#failed(error)
    this.store = server.name
    this.#server = server
    this.#clock = clock
    this.#replicas = replicas
    this.#keys = keys
    this.#topology = new RedisTopology(server, keys)
    this.#publisher = new RedisPublisher({
      server,
      keys,
      clock,
      replicas,
      topology: this.#topology,
      timeoutMs: timeoutMs,
    })
    this.#claims = new RedisClaims({
      server,
      keys,
      clock,
      publisher: this.#publisher,
      resultKeys: new ResultKeys(options.resultKeyPrefix),
      onParked: (dueMs) => this.#due.expect(dueMs),
    })
    this.#topics = new RedisTopics(server, keys)
    this.#wakeups = new RedisWakeups(server, (changed) => this.#changed(changed))
    this.#due = new RedisDue({ server, keys, clock, onPromoted: onReady, onError })
    this.#sweeper = new RedisSweeper({
      server,
      keys,
      clock,
      topology: this.#topology,
      visibilityMs,
      onReturned: onReady,
      onError,
    })
    this.admin = new RedisAdmin({
      server,
      keys,
      onChanged: onReady,
      refuseStopped: (what) => this.#refuseStopped(what),
    })
    this.#stopListening = server.onGeneration((generation) => this.#connected(generation))
  }

  /** @throws {BrokerUnavailable, StoreUnusable, NoDriver} when there is no server, or none that can be used */
  async start(): Promise<void> {
    this.#refuseStopped('start')
    await this.#server.open()
  }

  /** What is still claimed here goes back to its queues at once, as after the end of the process. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    for (const consumer of [...this.#consumers]) await consumer.stop()
    await this.#publisher.flush()
    this.#topics.close()
    await this.#leave()
    this.#stopListening()
    await this.#server.release()
  }

  async declare(queues: readonly Queue[]): Promise<void> {
    this.#refuseStopped('declare queues')
    await this.#topology.declare(queues)
  }

  async publish(messages: readonly Outgoing[]): Promise<void> {
    this.#refuseStopped('publish')
    await this.#publisher.publish(messages)
  }

  async consume(queues: readonly string[], options: ConsumeOptions): Promise<Consumer> {
    this.#refuseStopped('consume')
    for (const queue of queues) this.#keys.checkQueue(queue)
    const consumer = new RedisConsumer({
      server: this.#server,
      keys: this.#keys,
      clock: this.#clock,
      claims: this.#claims,
      queues: [...new Set(queues)],
      options,
      lease: (owner, leaseMs) =>
        redisLease({ endpoint: this.#server.endpoint, layout: this.#keys.layout, owner, leaseMs }),
      isTold: (generation) => this.#wakeups.isTold(generation),
      onStopping: (stopping) => this.#removed(stopping),
    })
    await this.#topology.remember(queues)
    this.#consumers.add(consumer)
    this.#owners.add(consumer.owner)
    this.#wakeups.start()
    this.#due.start()
    this.#sweeper.start()
    if (this.#generation !== undefined) consumer.connected(this.#generation)
    return consumer
  }

  async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    this.#refuseStopped('settle')
    return batch.length === 0 ? [] : this.#claims.settle(batch)
  }

  async flush(): Promise<void> {
    await this.#publisher.flush()
  }

  async broadcast(topic: string, message: WireMessage): Promise<void> {
    this.#refuseStopped('broadcast')
    await this.#topics.broadcast(topic, message)
  }

  async subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service> {
    this.#refuseStopped('subscribe')
    return this.#topics.subscribe(topic, onMessage)
  }

  async guarantees(): Promise<readonly BrokerGuarantee[]> {
    this.#refuseStopped('say what holds')
    return redisGuarantees(await readRedisFacts(this.#server), this.#replicas)
  }

  #connected(generation: Generation): void {
    this.#generation = generation
    this.#sweeper.connected(generation)
    // A server that came back without its data must know the bindings again.
    if (generation.number > 1) this.#topology.redeclare().catch((error: Error) => this.#failed(error))
    for (const consumer of this.#consumers) consumer.connected(generation)
  }

  #changed(keys: readonly string[] | undefined): void {
    for (const consumer of this.#consumers) if (keys === undefined || consumer.concerns(keys)) consumer.wake()
  }

  #wake(): void {
    for (const consumer of this.#consumers) consumer.wake()
  }

  #failed(error: Error): void {
    for (const consumer of this.#consumers) consumer.failed(error)
  }

  #removed(consumer: RedisConsumer): void {
    this.#consumers.delete(consumer)
    if (this.#consumers.size > 0) return
    this.#wakeups.stop()
    this.#due.stop()
    this.#sweeper.stop()
  }

  /** When the server can't be reached, the leases lapse and others take the claims back. */
  async #leave(): Promise<void> {
    const keys = this.#keys
    for (const owner of this.#owners) {
      try {
        await returnClaims({ keys, target: this.#server, now: this.#server.serverNow() }, owner, {
          isKept: () => false,
          isLoss: true,
        })
        await this.#server.pipeline(
          [
            { name: 'ZREM', args: [keys.owners, owner] },
            { name: 'DEL', args: [keys.owner(owner)] },
          ],
          { what: 'leave' },
        )
      } catch {
        return
      }
    }
  }

  #refuseStopped(what: string): void {
    if (this.#isStopped) throw new Closed(`Cannot ${what} in ${this.store}: this broker was closed.`)
  }
}
