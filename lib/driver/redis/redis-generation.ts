import type { Clock } from '../../base/clock.ts'
import { BrokerUnavailable, Closed, StoreUnusable } from '../../base/errors.ts'
import { findMaster } from './find-master.ts'
import type { CallOptions, Generation, RedisCall, RedisValue, ScriptText, ServerFacts } from './redis-commands.ts'
import { RedisConnection } from './redis-connection.ts'
import { endpointName, type RedisAddress, type RedisEndpoint } from './redis-endpoint.ts'
import { isReplyError, replyCode } from './redis-error.ts'
import type { RedisSubscriptions } from './redis-subscriptions.ts'

export interface GenerationParts {
  readonly endpoint: RedisEndpoint
  readonly clock: Clock
  readonly timeoutMs: number
  readonly clientName: string
  readonly subscriptions: RedisSubscriptions
  /** Counted from 1. */
  readonly number: number
  /** Called once. */
  readonly onEnd: (reason: Error) => void
}

/**
 * The connections of one stretch of time to one server: one for commands and, where something is subscribed, one for messages. The first
 * doubt about either ends both, with everything that waits in them; nothing of it is ever used again.
 */
export class RedisGeneration implements Generation {
  readonly number: number
  readonly facts: ServerFacts
  readonly #parts: GenerationParts
  readonly #commands: RedisConnection
  readonly #address: RedisAddress
  readonly #over = new AbortController()
  #subscriber: RedisConnection | undefined
  #subscriberId: number | undefined
  #openingSubscriber: Promise<void> | undefined

  /** @throws {BrokerUnavailable, StoreUnusable, NoDriver, Closed} */
  static async open(parts: GenerationParts, signal: AbortSignal): Promise<RedisGeneration> {
    const { endpoint, clock, timeoutMs, clientName } = parts
    const server = endpointName(endpoint)
    const address = endpoint.sentinel === undefined ? endpoint.addresses[0]! : await findMaster(parts, signal)
    // Before the generation is there, a failure is told by what is thrown.
    let generation: RedisGeneration | undefined
    const commands = await RedisConnection.open(
      { endpoint, address, server, clock, timeoutMs, clientName, onEnd: (reason) => generation?.end(reason) },
      signal,
    )
    try {
      const facts = await readFacts(commands, clock, server)
      generation = new RedisGeneration(parts, { commands, address, facts })
      if (!parts.subscriptions.isEmpty) await generation.openSubscriber(signal)
      if (signal.aborted) throw new Closed(`Cannot use ${server}: it was closed.`)
      if (commands.endedBy !== undefined) throw commands.endedBy
      return generation
    } catch (error) {
      generation?.end(error as Error)
      commands.end(error as Error)
      throw error
    }
  }

  private constructor(
    parts: GenerationParts,
    opened: { commands: RedisConnection; address: RedisAddress; facts: ServerFacts },
  ) {
    this.number = parts.number
    this.facts = opened.facts
    this.#parts = parts
    this.#commands = opened.commands
    this.#address = opened.address
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  get subscriberId(): number | undefined {
    return this.#subscriberId
  }

  /** Ends it. May be called twice. */
  end(reason: Error): void {
    if (this.isOver) return
    this.#over.abort(reason)
    if (this.#subscriber !== undefined) this.#parts.subscriptions.detach()
    this.#commands.end(reason)
    this.#subscriber?.end(reason)
    this.#parts.onEnd(reason)
  }

  async command(name: string, args: readonly RedisValue[] = [], options: CallOptions = {}): Promise<unknown> {
    return this.#commands.send(name, args, { what: options.what ?? name, buffers: options.buffers ?? false })
  }

  async pipeline(calls: readonly RedisCall[], { buffers = false, what }: CallOptions = {}): Promise<unknown[]> {
    const sent = await this.#sendAll(calls, (call) => {
      const options = { what: call.what ?? what ?? call.name, buffers }
      if (call.script === undefined) return this.#commands.send(call.name, call.args, options)
      return this.#commands.send('evalsha', [this.#textOf(call).sha, ...call.args], options)
    })
    const unknown = calls.filter((_, index) => isUnknownScript(sent[index]))
    if (unknown.length === 0) return sent
    const again = await this.#sendAll(unknown, (call) =>
      this.#commands.send('eval', [this.#textOf(call).lua, ...call.args], {
        what: call.what ?? what ?? call.name,
        buffers,
      }),
    )
    return sent.map((reply) => (isUnknownScript(reply) ? again.shift() : reply))
  }

  /** Opens the connection for messages; once. @throws as {@link open}, and the generation is over then */
  openSubscriber(signal?: AbortSignal): Promise<void> {
    this.#openingSubscriber ??= this.#openSubscriber(signal).catch((error: Error) => {
      this.end(error)
      throw error
    })
    return this.#openingSubscriber
  }

  async #openSubscriber(signal: AbortSignal | undefined): Promise<void> {
    const { endpoint, clock, timeoutMs, clientName, subscriptions } = this.#parts
    const subscriber = await RedisConnection.open(
      {
        endpoint,
        address: this.#address,
        server: endpointName(endpoint),
        clock,
        timeoutMs,
        clientName: `${clientName}:messages`,
        onEnd: (reason) => this.end(reason),
        onMessage: (channel, payload, pattern) => subscriptions.deliver(channel, payload, pattern),
      },
      signal,
    )
    if (this.isOver) return subscriber.end(this.#over.signal.reason as Error)
    this.#subscriber = subscriber
    // Before anything is subscribed: then the connection takes no other commands.
    this.#subscriberId = Number(
      await subscriber.send('client', ['ID'], { what: 'name the connection', buffers: false }),
    )
    await subscriptions.attach(subscriber)
  }

  #textOf({ script }: RedisCall): ScriptText {
    return (this.facts.major >= 7 ? script?.flagged : undefined) ?? script!.plain
  }

  /** Errors that the server replied stand in place of a reply; any other rejects the whole. */
  async #sendAll(calls: readonly RedisCall[], send: (call: RedisCall) => Promise<unknown>): Promise<unknown[]> {
    return Promise.all(
      calls.map((call) =>
        send(call).catch((error: Error) => {
          if (this.isOver || this.#commands.endedBy !== undefined) throw error
          return error
        }),
      ),
    )
  }
}

function isUnknownScript(reply: unknown): boolean {
  return isReplyError(reply) && replyCode(reply) === 'NOSCRIPT'
}

const leastMajor = 6
const leastMinor = 2

async function readFacts(commands: RedisConnection, clock: Clock, server: string): Promise<ServerFacts> {
  const send = (name: string, args: readonly RedisValue[]) =>
    commands.send(name, args, { what: 'greet', buffers: false })
  const before = clock.monotonic()
  const [time, , info] = await Promise.all([
    send('time', []),
    // Refused while the server reads its data from disk.
    send('ping', []),
    // A user without the right to ask is taken at his word: old servers refuse what they can't do.
    send('info', ['server']).catch((error: Error) => (error instanceof StoreUnusable ? '' : Promise.reject(error))),
    refuseReplica(send('info', ['replication']), server),
  ])
  const [, version = '', major = '7', minor = '0'] = /^redis_version:((\d+)\.(\d+)\S*)/m.exec(String(info)) ?? []
  if (Number(major) < leastMajor || (Number(major) === leastMajor && Number(minor) < leastMinor))
    throw new StoreUnusable(`Cannot use ${server}: it is Redis ${version}, and 6.2 or later is needed.`)
  const [seconds = 0, micros = 0] = (time as string[]).map(Number)
  return {
    version,
    major: Number(major),
    minor: Number(minor),
    timeMs: seconds * 1000 + micros / 1000,
    timeAt: (before + clock.monotonic()) / 2,
  }
}

async function refuseReplica(asking: Promise<unknown>, server: string): Promise<void> {
  const info = await asking.catch((error: Error) => (error instanceof StoreUnusable ? '' : Promise.reject(error)))
  if (/^role:slave/m.test(String(info)))
    throw new BrokerUnavailable(
      `Cannot use ${server}: it is a replica, which takes no writes. Name the master, or the sentinels that know it.`,
    )
}
