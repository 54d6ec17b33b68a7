import type { Clock } from '../base/clock.ts'
import { durationMs } from '../base/duration.ts'
import { InvalidSettings, NotSupported } from '../base/errors.ts'
import type { Broker } from '../broker/broker.ts'
import type { RedisTls } from '../driver/redis/redis-endpoint.ts'
import { readRedisUrl } from '../driver/redis/redis-url.ts'
import type { ResultBackend } from '../result/result-backend.ts'
import type { StateStore } from '../state/state-store.ts'
import { type AdapterPlace, type AdapterUse, isUrlProblem, readAdapterUrl } from './adapter-url.ts'
import type { ResolvedSettings } from './config.ts'
import type { MemoryPlace } from './memory-places.ts'

export interface AdapterOptions {
  readonly clock: Clock
  /** Also the identity of the app: adapters on `memory://` without a name share one store when their settings are one object. */
  readonly settings: ResolvedSettings
}

/**
 * The broker of a URL, not started. Its module, and with it its client, is loaded now and not before.
 * @throws {NotSupported} for a scheme that a later version brings
 * @throws {InvalidSettings} for any other that is wrong
 */
export async function openBroker(url: string, options: AdapterOptions): Promise<Broker> {
  const place = placeOf(url, 'broker')
  if (place.kind === 'sqlite') {
    const { SqliteBroker } = await import('../broker/sqlite/sqlite-broker.ts')
    return new SqliteBroker(sqliteOptions(place.path, options))
  }
  if (place.kind === 'redis') {
    const { RedisBroker } = await import('../broker/redis/redis-broker.ts')
    return new RedisBroker({ ...redisBrokerOptions(place.url, options), ...redisLayoutOptions(options) })
  }
  return (await memoryPlaceOf(place, options)).broker()
}

/**
 * The result backend of a URL, not started.
 * @throws {NotSupported, InvalidSettings}
 */
export async function openResultBackend(url: string, options: AdapterOptions): Promise<ResultBackend> {
  const place = placeOf(url, 'result backend')
  if (place.kind === 'disabled') {
    const { DisabledResultBackend } = await import('../result/disabled/disabled-result-backend.ts')
    return new DisabledResultBackend()
  }
  if (place.kind === 'sqlite') {
    const { SqliteResultBackend } = await import('../result/sqlite/sqlite-result-backend.ts')
    return new SqliteResultBackend(sqliteOptions(place.path, options))
  }
  if (place.kind === 'redis') {
    const { RedisResultBackend } = await import('../result/redis/redis-result-backend.ts')
    return new RedisResultBackend(redisResultOptions(place.url, options))
  }
  return (await memoryPlaceOf(place, options)).results()
}

/**
 * The state store that lies where a broker's messages are, not started.
 * @throws {NotSupported, InvalidSettings}
 */
export async function openStateStore(brokerUrl: string, options: AdapterOptions): Promise<StateStore> {
  const place = placeOf(brokerUrl, 'broker')
  if (place.kind === 'sqlite') {
    const { SqliteStateStore } = await import('../state/sqlite-state-store.ts')
    return new SqliteStateStore(sqliteOptions(place.path, options))
  }
  if (place.kind === 'redis') {
    const { RedisStateStore } = await import('../state/redis/redis-state-store.ts')
    const { globalKeyprefix: keyPrefix } = options.settings.brokerTransportOptions
    return new RedisStateStore({ ...redisBrokerOptions(place.url, options), keyPrefix })
  }
  return (await memoryPlaceOf(place, options)).state()
}

function placeOf(url: string, use: AdapterUse): AdapterPlace {
  const read = readAdapterUrl(url, use)
  if (!isUrlProblem(read)) return read
  const message = `Cannot open the ${use}: ${read.text}`
  throw read.isLater ? new NotSupported(message) : new InvalidSettings(message)
}

function sqliteOptions(path: string, { clock, settings }: AdapterOptions) {
  const { synchronous } = settings.brokerTransportOptions
  return { path, clock, synchronous, publishTimeoutMs: settings.taskPublishTimeoutMs }
}

/** How the server of a broker is reached. */
export function redisBrokerOptions(url: string, { clock, settings }: AdapterOptions) {
  const { brokerTransportOptions: transport, taskPublishTimeoutMs: timeoutMs } = settings
  return { endpoint: readRedisUrl(url, { ...transport, ssl: sslOf(settings.brokerUseSsl) }), clock, timeoutMs }
}

/** Where a broker on Redis keeps what, and how long it waits for what. */
function redisLayoutOptions({ settings }: AdapterOptions) {
  const { globalKeyprefix, sep, prioritySteps, unackedKey, unackedIndexKey, fanoutPrefix, ...others } =
    settings.brokerTransportOptions
  const { visibilityTimeout, fanoutPatterns, replicas } = others
  const layout = {
    ...(globalKeyprefix !== undefined && { keyPrefix: globalKeyprefix }),
    ...(sep !== undefined && { separator: sep }),
    ...(prioritySteps !== undefined && { prioritySteps }),
    ...(unackedKey !== undefined && { unackedKey }),
    ...(unackedIndexKey !== undefined && { unackedIndexKey }),
    ...(typeof fanoutPrefix === 'string' && { fanoutPrefix }),
    ...(fanoutPrefix === false && { fanoutPrefix: '' }),
    ...(fanoutPatterns !== undefined && { fanoutPatterns }),
  }
  return {
    layout,
    replicas,
    visibilityMs:
      visibilityTimeout === undefined
        ? undefined
        : durationMs(visibilityTimeout, 'brokerTransportOptions.visibilityTimeout'),
    resultKeyPrefix: settings.resultBackendTransportOptions.globalKeyprefix,
  }
}

/** What is not said for results is as it is for the broker where both are one server: then they share their connections. */
function redisResultOptions(url: string, { clock, settings }: AdapterOptions) {
  const { resultBackendTransportOptions: own, brokerTransportOptions, redisSocketTimeoutMs: timeoutMs } = settings
  const transport = url === settings.brokerUrl ? { ...brokerTransportOptions, globalKeyprefix: undefined, ...own } : own
  const ssl = settings.redisBackendUseSsl ?? (url === settings.brokerUrl ? settings.brokerUseSsl : null)
  return {
    endpoint: readRedisUrl(url, { ...transport, ssl: sslOf(ssl) }),
    clock,
    timeoutMs,
    keyPrefix: transport.globalKeyprefix,
  }
}

function sslOf(given: ResolvedSettings['brokerUseSsl']): Partial<RedisTls> | undefined {
  if (given === null) return undefined
  const { sslCertReqs, sslCaCerts: caFile, sslCertfile: certFile, sslKeyfile: keyFile } = given
  return { ...(sslCertReqs === undefined ? {} : { verify: sslCertReqs === 'required' }), caFile, certFile, keyFile }
}

async function memoryPlaceOf(place: AdapterPlace, { clock, settings }: AdapterOptions): Promise<MemoryPlace> {
  const { memoryPlace } = await import('./memory-places.ts')
  return memoryPlace(place.kind === 'memory' ? place.name : '', clock, settings)
}
