/** Where a Redis is and how to log in, as plain data that can be sent to a thread. Holds the password: show it by {@link endpointName}. */
export interface RedisEndpoint {
  /** Where the server is; with `sentinel`, where the sentinels are. */
  readonly addresses: readonly RedisAddress[]
  readonly db: number
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Encrypted where present. */
  readonly tls?: RedisTls | undefined
  /** The server is the master that these sentinels name. */
  readonly sentinel?: RedisSentinel | undefined
}

export type RedisAddress = { readonly host: string; readonly port: number } | { readonly path: string }

export interface RedisTls {
  /** Refuse a certificate that isn't trusted, or names another host. */
  readonly verify: boolean
  /** Files in PEM format. */
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

export interface RedisSentinel {
  /** What the sentinels call the master. */
  readonly masterName: string
  /** A sentinel that sees fewer others is not believed. */
  readonly minOthers: number
  readonly username?: string | undefined
  readonly password?: string | undefined
}

/** The URL without the password: what brokers and result backends are called, and equal for what is one store. */
export function endpointName(endpoint: RedisEndpoint): string {
  const { addresses, db, tls, sentinel, username } = endpoint
  const user = username === undefined ? '' : `${encodeURIComponent(username)}@`
  if (sentinel !== undefined)
    return `sentinel://${user}${addresses.map(addressName).join(',')}/${encodeURIComponent(sentinel.masterName)}/${db}`
  const address = addresses[0]!
  return 'path' in address
    ? `redis+socket://${user}${address.path}?db=${db}`
    : `${tls === undefined ? 'redis' : 'rediss'}://${user}${addressName(address)}/${db}`
}

/** `host:port`, or the path of a socket. */
export function addressName(address: RedisAddress): string {
  if ('path' in address) return address.path
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}
