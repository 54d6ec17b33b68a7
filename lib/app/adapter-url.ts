import { fileURLToPath } from 'node:url'
import { printable } from '../base/loggable.ts'
import { maskUrl } from '../base/mask-secrets.ts'
import { nearestName } from '../base/nearest-name.ts'
import { readRedisUrl } from '../driver/redis/redis-url.ts'
import { defaultStoreUrl } from './default-store.ts'

/** Where an adapter is to be opened, read from its URL. */
export type AdapterPlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  /** `name` is shared by everything of one process that names it; the empty one belongs to one app. */
  | { readonly kind: 'memory'; readonly name: string }
  | { readonly kind: 'disabled' }
  /** Read again with the transport options, which name the master of sentinels. */
  | { readonly kind: 'redis'; readonly url: string }

/** What a URL is for: a message store or a result store. */
export type AdapterUse = 'broker' | 'result backend'

const redisSchemes = ['redis', 'rediss', 'redis+socket', 'sentinel']
const schemes: Readonly<Record<AdapterUse, readonly string[]>> = {
  broker: ['sqlite', 'memory', ...redisSchemes],
  'result backend': ['sqlite', 'memory', ...redisSchemes, 'disabled'],
}
const laterSchemes = ['redis+cluster', 'amqp', 'amqps', 'pyamqp', 'rpc']
// Celery's names for stores that stand under another name here.
const otherNames: Readonly<Record<string, string>> = {
  'db+sqlite': 'Write sqlite:///path/file.db.',
  'sqla+sqlite': 'Write sqlite:///path/file.db.',
  'cache+memory': 'Write memory://.',
  file: 'Write sqlite:///path/file.db.',
}

/** A URL that cannot be served: not yet (`isLater`) or not at all. The text is a sentence that follows the URL's name. */
export interface UrlProblem {
  readonly isLater: boolean
  readonly text: string
}

/** Reads a URL; answers with what is wrong instead of throwing, since settings collect their problems. Opens nothing. */
export function readAdapterUrl(url: string, use: AdapterUse): AdapterPlace | UrlProblem {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined)
    return wrong(`${shown(url)} is no URL. Write sqlite:///path/file.db, sqlite:./file.db or memory://.`)
  if (laterSchemes.includes(scheme))
    return { isLater: true, text: `${shown(url)} is not supported yet: this version has ${listed(use)}.` }
  if (!schemes[use].includes(scheme)) return wrong(unknownScheme(scheme, use))
  if (redisSchemes.includes(scheme)) return redisPlace(url)
  const rest = url.slice(scheme.length + 1)
  if (/[?#]/.test(rest))
    return wrong(`${shown(url)} has options in its URL, and there are none. See brokerTransportOptions.`)
  if (scheme === 'disabled') return { kind: 'disabled' }
  return scheme === 'memory' ? memoryPlace(url, rest) : sqlitePlace(url, rest)
}

/** True for what {@link readAdapterUrl} answers when it can't. */
export function isUrlProblem(read: AdapterPlace | UrlProblem): read is UrlProblem {
  return 'text' in read
}

function memoryPlace(url: string, rest: string): AdapterPlace | UrlProblem {
  const name = /^(?:\/\/([\w.-]*)\/?)?$/.exec(rest)
  return name === null
    ? wrong(`${shown(url)} must be memory:// or memory://name, a name of letters, digits, ".", "_" and "-".`)
    : { kind: 'memory', name: name[1] ?? '' }
}

function redisPlace(url: string): AdapterPlace | UrlProblem {
  try {
    // Whether there is a name for the master is a question of other settings.
    readRedisUrl(url, { masterName: 'any' })
    return { kind: 'redis', url }
  } catch (error) {
    return wrong((error as Error).message)
  }
}

function sqlitePlace(url: string, rest: string): AdapterPlace | UrlProblem {
  if (rest === '') return sqlitePlace(url, defaultStoreUrl(process.cwd()).slice('sqlite:'.length))
  if (rest.startsWith('//') && !rest.startsWith('///'))
    return wrong(
      `${shown(url)} names a host where a path should be. Write sqlite:///absolute/file.db or sqlite:./relative/file.db.`,
    )
  if (rest.endsWith('/') || rest === '.' || rest === '..')
    return wrong(`${shown(url)} names a folder. Add the name of the file.`)
  try {
    const path = rest.startsWith('/') ? fileURLToPath(`file:${rest}`) : decodeURIComponent(rest)
    if (!path.includes('\0')) return { kind: 'sqlite', path }
  } catch {
    // Falls through to the one sentence for both: what is wrong is the percent sign.
  }
  return wrong(`${shown(url)} has a path that cannot be read. A percent sign is written %25, a space as it is or %20.`)
}

function unknownScheme(scheme: string, use: AdapterUse): string {
  const known = [...schemes[use], ...laterSchemes]
  const nearest = nearestName(scheme, known)
  const hint =
    otherNames[scheme] ?? (nearest === undefined ? `This version has ${listed(use)}.` : `Did you mean ${nearest}:?`)
  return `"${scheme.slice(0, 40)}:" is no ${use}. ${hint}`
}

function listed(use: AdapterUse): string {
  return schemes[use].map((scheme) => `${scheme}:`).join(', ')
}

function wrong(text: string): UrlProblem {
  return { isLater: false, text }
}

function shown(url: string): string {
  return `"${printable(maskUrl(url.slice(0, 200)))}"`
}
