import { InvalidSettings } from '../../base/errors.ts'
import { printable } from '../../base/loggable.ts'
import { maskUrl } from '../../base/mask-secrets.ts'
import { nearestName } from '../../base/nearest-name.ts'
import type { RedisAddress, RedisEndpoint, RedisTls } from './redis-endpoint.ts'

/** What the transport options say of the connection (`brokerTransportOptions`, `resultBackendTransportOptions`). */
export interface RedisUrlOptions {
  /** Needed with `sentinel:`. */
  readonly masterName?: string | undefined
  /** @default 0 */
  readonly minOtherSentinels?: number | undefined
  /** How to log in to the sentinels. */
  readonly sentinelKwargs?:
    | { readonly username?: string | undefined; readonly password?: string | undefined }
    | undefined
  /** Files and checks for TLS; only with an encrypted URL. */
  readonly ssl?: Partial<RedisTls> | undefined
}

const defaultPort = 6379
const defaultSentinelPort = 26379

/**
 * Reads `redis://user:password@host:port/db`, `rediss://…`, `redis+socket:///path?db=0`, `sentinel://host;sentinel://host/db` and their
 * variants. Percent signs in user, password and path are decoded.
 * @throws {InvalidSettings} saying what is wrong; never with the password in its message
 */
export function readRedisUrl(url: string, options: RedisUrlOptions = {}): RedisEndpoint {
  const scheme = /^([a-z+]+):\/\//i.exec(url)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'redis':
    case 'rediss':
      return readServer(url, scheme === 'rediss', options)
    case 'redis+socket':
      return readSocket(url)
    case 'sentinel':
      return readSentinels(url, options)
    default:
      throw wrong(url, 'is no URL of a Redis. Write redis://host:6379/0.')
  }
}

function readServer(url: string, isEncrypted: boolean, options: RedisUrlOptions): RedisEndpoint {
  const parts = readParts(url, url)
  refuseUnknown(url, parts, [...dbNames, ...(isEncrypted ? tlsNames : [])])
  return {
    addresses: [hostOf(url, parts, defaultPort)],
    db: dbOf(url, parts.query, parts.path),
    ...loginOf(parts),
    ...(isEncrypted ? { tls: tlsOf(url, parts.query, options) } : {}),
  }
}

function readSocket(url: string): RedisEndpoint {
  const parts = readParts(url, url)
  if (parts.host !== '')
    throw wrong(url, 'names a host where a path should be. Write redis+socket:///path/redis.sock?db=0.')
  if (parts.path === '' || parts.path === '/')
    throw wrong(url, 'names no socket. Write redis+socket:///path/redis.sock?db=0.')
  refuseUnknown(url, parts, dbNames)
  return { addresses: [{ path: parts.path }], db: dbOf(url, parts.query, ''), ...loginOf(parts) }
}

function readSentinels(url: string, options: RedisUrlOptions): RedisEndpoint {
  const { masterName, minOtherSentinels = 0, sentinelKwargs } = options
  if (masterName === undefined)
    throw wrong(url, 'names sentinels but not their master. Set `masterName` in the transport options.')
  const all = url.split(';').map((one) => {
    if (!/^sentinel:\/\//i.test(one)) throw wrong(url, 'must begin each of its parts with sentinel://.')
    const parts = readParts(url, one)
    refuseUnknown(url, parts, [...dbNames, ...tlsNames])
    return parts
  })
  const last = all.at(-1)!
  // Kombu takes what it finds first: user, password and db may stand in any part.
  const login = all.map(loginOf).find((one) => one.password !== undefined || one.username !== undefined)
  return {
    addresses: all.map((parts) => hostOf(url, parts, defaultSentinelPort)),
    db: dbOf(url, last.query, all.map(({ path }) => path).find((path) => path.length > 1) ?? ''),
    ...login,
    ...(options.ssl === undefined ? {} : { tls: tlsOf(url, last.query, options) }),
    sentinel: {
      masterName,
      minOthers: minOtherSentinels,
      username: sentinelKwargs?.username,
      password: sentinelKwargs?.password,
    },
  }
}

interface Parts {
  readonly username: string
  readonly password: string
  readonly host: string
  readonly port: string
  /** Decoded, with its slash. */
  readonly path: string
  readonly query: URLSearchParams
}

// Not by URL: it refuses hosts of Docker with an underscore in some places, and takes a password with a bare "#" for a fragment.
const shape = /^[a-z+]+:\/\/(?:([^:@/?]*)(?::([^@]*))?@)?(\[[^\]]*\]|[^:/?#;@]*)(?::([^/?#]*))?(\/[^?]*)?(?:\?(.*))?$/is

function readParts(url: string, one: string): Parts {
  const match = shape.exec(one)
  if (match === null)
    throw wrong(url, 'cannot be read. Write redis://user:password@host:6379/0; "@" in a password is %40.')
  try {
    return {
      username: decodeURIComponent(match[1] ?? ''),
      password: decodeURIComponent(match[2] ?? ''),
      host: (match[3] ?? '').replace(/^\[|\]$/g, ''),
      port: match[4] ?? '',
      path: decodeURIComponent(match[5] ?? ''),
      query: new URLSearchParams(match[6] ?? ''),
    }
  } catch {
    throw wrong(url, 'has a percent sign that begins no code. A percent sign is written %25.')
  }
}

function hostOf(url: string, { host, port }: Parts, standard: number): RedisAddress {
  const number = port === '' ? standard : Number(port)
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw wrong(url, `has the port "${printable(port.slice(0, 20))}". A port is a number from 1 to 65535.`)
  return { host: host === '' ? 'localhost' : host, port: number }
}

function loginOf({ username, password }: Parts): { username?: string; password?: string } {
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) }
}

const dbNames = ['db', 'virtual_host']

function dbOf(url: string, query: URLSearchParams, path: string): number {
  const text = query.get('virtual_host') ?? query.get('db') ?? path.replace(/^\//, '')
  if (!/^\d{0,6}$/.test(text))
    throw wrong(
      url,
      `names the database "${printable(text.slice(0, 40))}". A database of Redis is a number, 0 where left out.`,
    )
  return Number(text)
}

const tlsNames = ['ssl_cert_reqs', 'ssl_ca_certs', 'ssl_certfile', 'ssl_keyfile', 'ssl_check_hostname']
const verifying: Readonly<Record<string, boolean>> = {
  required: true,
  cert_required: true,
  optional: true,
  cert_optional: true,
  none: false,
  cert_none: false,
}

function tlsOf(url: string, query: URLSearchParams, { ssl = {} }: RedisUrlOptions): RedisTls {
  const reqs = query.get('ssl_cert_reqs')
  const verify = reqs === null ? (ssl.verify ?? true) : verifying[reqs.toLowerCase()]
  if (verify === undefined) throw wrong(url, 'has an ssl_cert_reqs that is none of required, optional, none.')
  if (query.get('ssl_check_hostname')?.toLowerCase() === 'false' && verify)
    throw wrong(
      url,
      'asks for certificates of any host name. Name the host that the certificate names, or turn the check off whole.',
    )
  return {
    verify,
    caFile: query.get('ssl_ca_certs') ?? ssl.caFile,
    certFile: query.get('ssl_certfile') ?? ssl.certFile,
    keyFile: query.get('ssl_keyfile') ?? ssl.keyFile,
  }
}

function refuseUnknown(url: string, { query }: Parts, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (known.includes(name)) continue
    const nearest = nearestName(name, known)
    const hint =
      nearest === undefined
        ? `It may have ${known.join(', ')}; others stand in the transport options.`
        : `Did you mean ${nearest}?`
    throw wrong(url, `has the unknown option "${printable(name.slice(0, 40))}". ${hint}`)
  }
}

function wrong(url: string, text: string): InvalidSettings {
  // Up to the last "@" of a part: what stands there may be a password even where it can't be read as one.
  const shown = url.slice(0, 400).replace(/:\/\/[^;]*@/g, '://********@')
  return new InvalidSettings(`"${printable(maskUrl(shown))}" ${text}`)
}
