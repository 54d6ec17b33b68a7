import type { Clock } from '../../base/clock.ts'
import { BrokerUnavailable, Closed } from '../../base/errors.ts'
import { makeClient, makeCommand, type RedisClient } from './redis-client.ts'
import type { RedisValue } from './redis-commands.ts'
import { addressName, type RedisAddress, type RedisEndpoint } from './redis-endpoint.ts'
import { connectionError, endsConnection, isReplyError, notDone, outcomeUnknown, replyError } from './redis-error.ts'

export interface ConnectionOptions {
  readonly endpoint: RedisEndpoint
  /** Which of the endpoint's, or the master that its sentinels named. */
  readonly address: RedisAddress
  /** The server's name in errors. */
  readonly server: string
  readonly clock: Clock
  /** No reply for so long while one is due ends the connection. */
  readonly timeoutMs: number
  /** As `CLIENT LIST` shows it. */
  readonly clientName: string
  /** Called once. The error says why. */
  onEnd?(reason: Error): void
  /** Payloads of channels; for `__redis__:invalidate` a list of keys, or null for all. */
  onMessage?(channel: string, payload: unknown, pattern: string | undefined): void
}

/** How long to wait for a socket before another try: lost first packets are sent again after 1 s and after 3. */
const connectTimeoutMs = 4_000
/** A connection without traffic is asked for a sign of life after this. */
const idleMs = 5_000
const lookEveryMs = 1_000

export interface SendOptions {
  readonly what: string
  readonly buffers: boolean
  /** Nobody waits for it, so it does not keep the process alive. */
  readonly isWatch?: boolean
}

/**
 * One socket to one server, which ends once and for all: at the first error of the socket, when a reply is overdue, when the server says
 * that it doesn't serve us any more. Whatever waits for a reply then is rejected at once. Keeps the process alive only while a reply is due.
 */
export class RedisConnection {
  readonly #options: ConnectionOptions
  readonly #client: RedisClient
  /** Calls without reply, in the order they were sent, which is the order of the replies. */
  readonly #pending = new Set<Pending>()
  #lastReplyAt: number
  #endedBy: Error | undefined
  #cancelLook: (() => void) | undefined
  #isGathering = false
  #isNew = true

  /** Connects, logs in and selects the database. @throws {BrokerUnavailable, StoreUnusable, NoDriver} */
  static async open(options: ConnectionOptions, signal?: AbortSignal): Promise<RedisConnection> {
    const connection = new RedisConnection(options)
    const onAbort = (): void => connection.end(new Closed('The connection was closed while it was opened.'))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      if (signal?.aborted) onAbort()
      await connection.#connect()
      return connection
    } catch (error) {
      const reason = connectionError(error, connection.#place, connection.#isNew)
      connection.end(reason)
      throw connection.#endedBy ?? reason
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  private constructor(options: ConnectionOptions) {
    this.#options = options
    const { endpoint, address } = options
    this.#client = makeClient({ endpoint, address, connectTimeoutMs: Math.min(connectTimeoutMs, options.timeoutMs) })
    this.#lastReplyAt = options.clock.monotonic()
    this.#client.on('error', (error) => this.end(error))
    this.#client.on('end', () => this.end(new Error('The server closed the connection.')))
    this.#client.on('messageBuffer', (channel, payload) => options.onMessage?.(channel.toString(), payload, undefined))
    this.#client.on('pmessageBuffer', (pattern, channel, payload) =>
      options.onMessage?.(channel.toString(), payload, pattern),
    )
  }

  get endedBy(): Error | undefined {
    return this.#endedBy
  }

  /**
   * Sends one command. Calls of one turn share few writes.
   * @throws {BrokerUnavailable} when it was not sent; {OutcomeUnknown} when the connection ended before the reply; what the server replied
   */
  send(name: string, args: readonly RedisValue[], { what, buffers, isWatch = false }: SendOptions): Promise<unknown> {
    const act = { what, server: this.#options.server }
    if (this.#endedBy !== undefined) return Promise.reject(notDone(act, this.#endedBy))
    return new Promise<unknown>((resolve, reject) => {
      const pending: Pending = {
        sentAt: this.#options.clock.monotonic(),
        lost: (cause) => reject(outcomeUnknown(act, cause)),
      }
      if (!isWatch) this.#client.stream?.ref()
      this.#pending.add(pending)
      const command = makeCommand(name, args, buffers)
      command.promise.then(
        (reply) => {
          if (this.#replied(pending)) resolve(reply)
        },
        (error: Error) => {
          if (!isReplyError(error)) return this.end(error)
          if (!this.#replied(pending)) return
          reject(replyError(error, act))
          if (endsConnection(error)) this.end(replyError(error, act))
        },
      )
      this.#gather()
      this.#client.sendCommand(command)
    })
  }

  /** Ends it; everything that waits for a reply is rejected with the reason. May be called twice. */
  end(reason: Error): void {
    if (this.#endedBy !== undefined) return
    const error = reason instanceof Closed ? reason : connectionError(reason, this.#place, this.#isNew)
    this.#endedBy = error
    this.#cancelLook?.()
    // Not only half closed: a peer that is gone would never close its half.
    this.#client.stream?.destroy()
    this.#client.disconnect()
    const pending = [...this.#pending]
    this.#pending.clear()
    for (const { lost } of pending) lost(error)
    this.#options.onEnd?.(error)
  }

  get #place(): string {
    const { server, address } = this.#options
    return server.startsWith('sentinel:') ? `${server} (${addressName(address)})` : server
  }

  async #connect(): Promise<void> {
    const { clock, timeoutMs } = this.#options
    const cancel = clock.timer(timeoutMs, () =>
      this.end(new BrokerUnavailable(`Cannot reach ${this.#place}: it did not greet within ${timeoutMs / 1000} s.`)),
    )
    try {
      if (this.#endedBy !== undefined) throw this.#endedBy
      await this.#client.connect()
      await this.#greet()
    } finally {
      cancel()
    }
    this.#client.stream?.unref()
    this.#armLook()
  }

  async #greet(): Promise<void> {
    const { endpoint, clientName } = this.#options
    const send = (what: string, name: string, args: readonly RedisValue[]) =>
      this.send(name, args, { what, buffers: false })
    const { username, password } = endpoint
    const greetings = [
      ...(password === undefined && username === undefined
        ? []
        : [send('log in', 'auth', username === undefined ? [password!] : [username, password ?? ''])]),
      ...(endpoint.db === 0 ? [] : [send('select the database', 'select', [endpoint.db])]),
    ]
    // A user who may not name the connection has an unnamed one.
    const naming = send('name the connection', 'client', ['SETNAME', clientName]).catch(() => {})
    await Promise.all([...greetings, naming])
    if (this.#endedBy !== undefined) throw this.#endedBy
  }

  /** The calls of one turn leave in one write: each of its own costs a system call. */
  #gather(): void {
    const { stream } = this.#client
    if (this.#isGathering || stream === undefined) return
    this.#isGathering = true
    stream.cork()
    process.nextTick(() => {
      this.#isGathering = false
      stream.uncork()
    })
  }

  #replied(pending: Pending): boolean {
    if (!this.#pending.delete(pending)) return false
    this.#isNew = false
    this.#lastReplyAt = this.#options.clock.monotonic()
    if (this.#pending.size === 0) this.#client.stream?.unref()
    return true
  }

  #armLook(): void {
    this.#cancelLook = this.#options.clock.timer(lookEveryMs, () => {
      this.#look()
      if (this.#endedBy === undefined) this.#armLook()
    })
  }

  /** Finds peers that are gone without a word, and servers that hang. */
  #look(): void {
    const { clock, timeoutMs } = this.#options
    const now = clock.monotonic()
    const [oldest] = this.#pending
    if (oldest === undefined) {
      if (now - this.#lastReplyAt >= idleMs)
        this.send('ping', [], { what: 'look for a sign of life', buffers: false, isWatch: true }).catch(() => {})
    } else if (now - oldest.sentAt >= timeoutMs) {
      this.end(new BrokerUnavailable(`${this.#place} did not answer for ${timeoutMs / 1000} s.`))
    }
  }
}

interface Pending {
  readonly sentAt: number
  lost(cause: Error): void
}
