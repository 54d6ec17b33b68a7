import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { NoDriver, StoreUnusable } from '../../base/errors.ts'
import type { RedisValue } from './redis-commands.ts'
import { endpointName, type RedisAddress, type RedisEndpoint, type RedisTls } from './redis-endpoint.ts'

/** What we use of an `ioredis` client: one socket and the protocol on it. Its queues, retries and resubscriptions are off. */
export interface RedisClient {
  connect(): Promise<void>
  sendCommand(command: ClientCommand): unknown
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'end', listener: () => void): void
  on(event: 'messageBuffer', listener: (channel: Buffer, payload: unknown) => void): void
  on(event: 'pmessageBuffer', listener: (pattern: string, channel: Buffer, payload: unknown) => void): void
  disconnect(): void
  /** There from `connect()` on. */
  readonly stream?: ClientSocket
}

export interface ClientSocket {
  ref(): void
  unref(): void
  cork(): void
  uncork(): void
  destroy(): void
}

export interface ClientCommand {
  readonly promise: Promise<unknown>
}

export interface ClientLibrary {
  readonly Redis: new (options: Readonly<Record<string, unknown>>) => RedisClient
  readonly Command: new (
    name: string,
    args: readonly (string | Buffer)[],
    options: { replyEncoding: 'utf8' | null },
  ) => ClientCommand
}

let library: ClientLibrary | undefined

/** Loads `ioredis`, on first use. @throws {NoDriver} where it isn't installed */
export function loadClient(): ClientLibrary {
  if (library !== undefined) return library
  try {
    // Bundlers leave no URL of a module behind; the program's folder is as good a place to look from.
    library = createRequire(import.meta.url ?? join(process.cwd(), 'program.js'))('ioredis') as ClientLibrary
    return library
  } catch (cause) {
    throw new NoDriver(
      'Cannot connect to Redis: the package ioredis could not be loaded. Run `npm install ioredis`, or name another broker.',
      { cause },
    )
  }
}

export interface ClientOptions {
  readonly endpoint: RedisEndpoint
  readonly address: RedisAddress
  readonly connectTimeoutMs: number
}

/** A client that isn't connected yet. @throws {NoDriver} {StoreUnusable} when a file of the certificates can't be read */
export function makeClient({ endpoint, address, connectTimeoutMs }: ClientOptions): RedisClient {
  const { Redis } = loadClient()
  return new Redis({
    ...address,
    ...(endpoint.tls === undefined ? {} : { tls: tlsOptions(endpoint, endpoint.tls, address) }),
    lazyConnect: true,
    // RESP2: with RESP3 the client drops the invalidations that `CLIENT TRACKING … REDIRECT` sends.
    protocol: 2,
    connectTimeout: connectTimeoutMs,
    retryStrategy: null,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    disableClientInfo: true,
    maxRetriesPerRequest: null,
    // We log in, select and name the connection ourselves: the client goes on in database 0 when SELECT is refused.
  })
}

function tlsOptions(endpoint: RedisEndpoint, tls: RedisTls, address: RedisAddress): Record<string, unknown> {
  const read = (what: string, path: string | undefined): Buffer | undefined => {
    if (path === undefined) return undefined
    try {
      return readFileSync(path)
    } catch (cause) {
      throw new StoreUnusable(
        `Cannot connect to ${endpointName(endpoint)}: its ${what} file ${path} can't be read. Check the path and its permissions.`,
        { cause },
      )
    }
  }
  return {
    rejectUnauthorized: tls.verify,
    ca: read('ssl_ca_certs', tls.caFile),
    cert: read('ssl_certfile', tls.certFile),
    key: read('ssl_keyfile', tls.keyFile),
    // A literal address can't be a server name.
    ...('host' in address && !/^[\d.]+$|:/.test(address.host) ? { servername: address.host } : {}),
  }
}

/** A command ready to be sent. @param buffers texts of the reply as Buffers */
export function makeCommand(name: string, args: readonly RedisValue[], buffers: boolean): ClientCommand {
  const { Command } = loadClient()
  return new Command(name, args.map(wireValue), { replyEncoding: buffers ? null : 'utf8' })
}

function wireValue(value: RedisValue): string | Buffer {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  // The client takes other byte arrays for something to print.
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
