import type { Clock } from '../base/clock.ts'
import { InvalidSettings, NotSupported } from '../base/errors.ts'
import type { Broker } from '../broker/broker.ts'
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

async function memoryPlaceOf(place: AdapterPlace, { clock, settings }: AdapterOptions): Promise<MemoryPlace> {
  const { memoryPlace } = await import('./memory-places.ts')
  return memoryPlace(place.kind === 'memory' ? place.name : '', clock, settings)
}
