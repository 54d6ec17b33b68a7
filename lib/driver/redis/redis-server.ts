import { retryDelay } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import { Closed, NoDriver, OutcomeUnknown, StoreUnusable } from '../../base/errors.ts'
import type { CallOptions, Generation, RedisCall, RedisCommands, RedisValue } from './redis-commands.ts'
import { endpointName, type RedisEndpoint } from './redis-endpoint.ts'
import { notDone } from './redis-error.ts'
import { RedisGeneration } from './redis-generation.ts'
import { type RedisSubscriber, RedisSubscriptions, type SubscribeOptions } from './redis-subscriptions.ts'

export interface RedisServerOptions {
  readonly endpoint: RedisEndpoint
  readonly clock: Clock
  /** The longest that a call may take, ms. @default 10_000 */
  readonly timeoutMs?: number | undefined
  /** As `CLIENT LIST` shows the connections. @default umbel */
  readonly clientName?: string | undefined
}

// One for each server and clock: broker, result backend and state store of one app share connections.
const openServers = new WeakMap<Clock, Map<string, RedisServer>>()

/** The server of an endpoint, shared by all of this process that name the same endpoint and clock; each gives it back with `release()`. */
export function openRedisServer(options: RedisServerOptions): RedisServer {
  const key = JSON.stringify(options.endpoint)
  let servers = openServers.get(options.clock)
  if (servers === undefined) {
    servers = new Map()
    openServers.set(options.clock, servers)
  }
  let server = servers.get(key)
  if (server === undefined) {
    const registry = servers
    server = new RedisServer(options, () => registry.delete(key))
    servers.set(key, server)
  }
  server.join(options)
  return server
}

/**
 * One Redis for this process, through one connection for commands and one for messages, made anew whenever anything about them is in doubt.
 * Opened by the first use. Nothing in it keeps the process alive but calls that wait.
 */
export class RedisServer implements RedisCommands {
  /** As brokers and result backends show it: `redis://localhost:6379/0`. */
  readonly name: string
  readonly clock: Clock
  /** With the password; for a client in another thread. */
  readonly endpoint: RedisEndpoint
  readonly #onLast: () => void
  readonly #clientName: string
  readonly #subscriptions: RedisSubscriptions
  readonly #listeners = new Set<(generation: Generation) => void>()
  readonly #waiting = new Set<Waiting>()
  readonly #closing = new AbortController()
  #timeoutMs: number
  #users = 0
  #generations = 0
  #generation: RedisGeneration | undefined
  #lastFacts: { readonly timeMs: number; readonly timeAt: number } | undefined
  #lastError: Error | undefined
  #connecting: Promise<void> | undefined

  constructor(options: RedisServerOptions, onLast: () => void) {
    this.endpoint = options.endpoint
    this.name = endpointName(options.endpoint)
    this.clock = options.clock
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#clientName = options.clientName ?? 'umbel'
    this.#onLast = onLast
    this.#subscriptions = new RedisSubscriptions(() => {
      if (this.#generation === undefined) this.#start()
      else this.#openMessages(this.#generation)
    })
  }

  /** One user more. The shortest time that one of them gives is everybody's. */
  join({ timeoutMs = this.#timeoutMs }: Pick<RedisServerOptions, 'timeoutMs'>): void {
    this.#users++
    this.#timeoutMs = Math.min(this.#timeoutMs, timeoutMs)
  }

  /** One user less; the last one closes the connections. Each user calls it once, after its own calls are done. */
  async release(): Promise<void> {
    if (this.#isClosed || --this.#users > 0) return
    this.#onLast()
    const closed = new Closed(`Cannot use ${this.name}: it was closed.`)
    this.#closing.abort(closed)
    this.#generation?.end(closed)
    for (const { reject } of [...this.#waiting]) reject(closed)
    await this.#connecting
  }

  /** True while there is a connection that nothing speaks against. */
  get isUp(): boolean {
    return this.#generation !== undefined
  }

  /** Why there is no connection, or was none when it was last tried. */
  get lastError(): Error | undefined {
    return this.#lastError
  }

  /** The server's wall clock, ms since the epoch, as far as it is known: the local one before the first connection. */
  serverNow(): number {
    const facts = this.#lastFacts
    return facts === undefined ? this.clock.now() : facts.timeMs + this.clock.monotonic() - facts.timeAt
  }

  /**
   * Connects, once; needless before other calls.
   * @throws {BrokerUnavailable} when it takes longer than a call may; {StoreUnusable, NoDriver, Closed}
   */
  async open(options: Pick<CallOptions, 'timeoutMs' | 'waitMs'> = {}): Promise<void> {
    if (this.#generation === undefined) await this.#wait({ ...options, what: 'connect' })
  }

  command(name: string, args: readonly RedisValue[] = [], options: CallOptions = {}): Promise<unknown> {
    return this.#run((generation) => generation.command(name, args, options), { what: name, ...options })
  }

  pipeline(calls: readonly RedisCall[], options: CallOptions = {}): Promise<unknown[]> {
    const what = calls[0]?.what ?? calls[0]?.name ?? 'nothing'
    return this.#run((generation) => generation.pipeline(calls, options), { what, ...options })
  }

  /**
   * Listens to a channel, over all generations to come. Stop with what it returns. Costs one connection for all channels together.
   * @throws {Closed}
   */
  subscribe(channel: string, subscriber: RedisSubscriber, options?: SubscribeOptions): () => void {
    this.#refuseClosed('subscribe')
    return this.#subscriptions.add(channel, subscriber, options)
  }

  /** Called with the generation there is, and with each later one before other calls get at it. Stop with what it returns. Must not throw. */
  onGeneration(listener: (generation: Generation) => void): () => void {
    this.#listeners.add(listener)
    const generation = this.#generation
    if (generation !== undefined)
      queueMicrotask(() => {
        if (this.#listeners.has(listener) && this.#generation === generation) listener(generation)
      })
    return () => void this.#listeners.delete(listener)
  }

  async #run<T>(act: (generation: RedisGeneration) => Promise<T>, options: CallOptions): Promise<T> {
    const { clock } = this
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs
    const endsAt = clock.monotonic() + timeoutMs
    for (;;) {
      const leftMs = endsAt - clock.monotonic()
      const generation = this.#generation ?? (await this.#wait({ ...options, timeoutMs: leftMs }))
      try {
        const isLate = clock.monotonic() + this.#timeoutMs > endsAt
        return await (isLate ? this.#within(endsAt, act(generation), options) : act(generation))
      } catch (error) {
        const mayRepeat = options.repeat === true || options.reads === true
        if (mayRepeat && generation.isOver && clock.monotonic() < endsAt && !this.#isClosed) continue
        if (options.reads !== true || !(error instanceof OutcomeUnknown)) throw error
        throw notDone({ what: options.what ?? 'read', server: this.name }, this.#lastError)
      }
    }
  }

  /** For calls with less time than the connection's own watch gives them. */
  #within<T>(endsAt: number, reply: Promise<T>, { what = 'call' }: CallOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = this.clock.timer(
        endsAt - this.clock.monotonic(),
        () =>
          reject(
            new OutcomeUnknown(`${this.name} did not answer in time (${what}): it may or may not have been done.`),
          ),
        { keepAlive: true },
      )
      reply.then(resolve, reject).finally(cancel)
    })
  }

  #wait({ timeoutMs = this.#timeoutMs, waitMs = timeoutMs, what = 'call' }: CallOptions): Promise<RedisGeneration> {
    if (this.#isClosed) return Promise.reject(this.#closedError(what))
    this.#start()
    return new Promise<RedisGeneration>((resolve, reject) => {
      const stop = (): void => {
        cancel()
        this.#waiting.delete(waiting)
      }
      const waiting: Waiting = {
        resolve(generation) {
          stop()
          resolve(generation)
        },
        reject(error) {
          stop()
          reject(error)
        },
      }
      const onTimeout = (): void => waiting.reject(notDone({ what, server: this.name }, this.#lastError))
      const cancel = this.clock.timer(Math.max(0, Math.min(waitMs, timeoutMs)), onTimeout, { keepAlive: true })
      this.#waiting.add(waiting)
    })
  }

  #start(): void {
    if (this.#isClosed) return
    this.#connecting ??= this.#keepConnected()
  }

  /** The one owner of reconnection: each generation is made as the first was. */
  async #keepConnected(): Promise<void> {
    const { clock } = this
    for (let failures = 0; !this.#isClosed; ) {
      const since = clock.monotonic()
      const hasLived = await this.#liveOnce()
      if (this.#isClosed) return
      failures++
      // After one that lived, the server is most likely there: a short wait is enough, so that one which
      // hangs up on everybody is not asked without a pause.
      if (hasLived) failures = clock.monotonic() - since > longLifeMs ? 0 : Math.min(failures, 2)
      const delayMs = retryDelay(failures, { firstMs: 25, maxMs: 2_000, jitter: true })
      await this.#pause(this.#isRefused ? 1_000 + delayMs : delayMs)
    }
  }

  /** One generation from its beginning to its end; false when it never began. Never rejects. */
  async #liveOnce(): Promise<boolean> {
    let end!: () => void
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    try {
      const generation = await RedisGeneration.open(
        {
          endpoint: this.endpoint,
          clock: this.clock,
          timeoutMs: this.#timeoutMs,
          clientName: this.#clientName,
          subscriptions: this.#subscriptions,
          number: ++this.#generations,
          onEnd: (reason) => {
            this.#down(reason)
            end()
          },
        },
        this.#closing.signal,
      )
      this.#up(generation)
    } catch (error) {
      this.#down(error as Error)
      return false
    }
    await over
    return true
  }

  #up(generation: RedisGeneration): void {
    if (generation.isOver) return
    this.#generation = generation
    this.#lastError = undefined
    this.#lastFacts = generation.facts
    for (const listener of [...this.#listeners]) listener(generation)
    if (!this.#subscriptions.isEmpty) this.#openMessages(generation)
    for (const { resolve } of [...this.#waiting]) resolve(generation)
  }

  /** The connection for messages, where it isn't there yet; then its subscribers are told. */
  #openMessages(generation: RedisGeneration): void {
    generation.openSubscriber(this.#closing.signal).then(
      () => {
        if (this.#generation === generation) this.#subscriptions.ready(generation)
      },
      () => {}, // the generation is over, and the next one begins with it
    )
  }

  #down(reason: Error): void {
    this.#generation = undefined
    this.#lastError = reason
    if (!isFinal(reason)) return
    // Waiting would not mend it.
    for (const { reject } of [...this.#waiting]) reject(reason)
  }

  get #isRefused(): boolean {
    return this.#lastError !== undefined && isFinal(this.#lastError)
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#closing
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.clock.timer(ms, done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  #refuseClosed(what: string): void {
    if (this.#isClosed) throw this.#closedError(what)
  }

  #closedError(what: string): Closed {
    return new Closed(`Cannot ${what} on ${this.name}: it was closed.`)
  }
}

interface Waiting {
  resolve(generation: RedisGeneration): void
  reject(error: Error): void
}

const longLifeMs = 1_000

function isFinal(error: Error): boolean {
  return error instanceof StoreUnusable || error instanceof NoDriver
}
