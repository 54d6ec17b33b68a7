import type { Clock } from '../base/clock.ts'
import { InvalidSettings, NotSupported } from '../base/errors.ts'
import { newId } from '../base/task-id.ts'
import type { Broker } from '../broker/broker.ts'
import type { MemoryStore } from '../result/memory/memory-store.ts'
import type { ResultBackend } from '../result/result-backend.ts'
import type { StateStore } from '../state/state-store.ts'
import { type AdapterPlace, type AdapterUse, isUrlProblem, readAdapterUrl } from './adapter-url.ts'
import type { ResolvedSettings } from './config.ts'
import { sharedInMemory } from './shared-memory.ts'

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
  const name = memoryName(place, options)
  return sharedInMemory(`broker ${name}`, async () => {
    const { MemoryBroker } = await import('../broker/memory/memory-broker.ts')
    return new MemoryBroker({ clock: options.clock, shared: await memoryStore(name, options) })
  })
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
  const name = memoryName(place, options)
  return sharedInMemory(`results ${name}`, async () => {
    const { MemoryResultBackend } = await import('../result/memory/memory-result-backend.ts')
    return new MemoryResultBackend({ clock: options.clock, shared: await memoryStore(name, options) })
  })
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
  const name = memoryName(place, options)
  return sharedInMemory(`state ${name}`, async () => {
    const { MemoryStateStore } = await import('../state/memory-state-store.ts')
    return new MemoryStateStore({ clock: options.clock })
  })
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

// What stands for a name where `memory://` has none: one for each app, whose settings are one object.
const privateNames = new WeakMap<ResolvedSettings, string>()

function memoryName(place: AdapterPlace, { settings }: AdapterOptions): string {
  if (place.kind === 'memory' && place.name !== '') return place.name
  const name = privateNames.get(settings) ?? `app-${newId()}`
  privateNames.set(settings, name)
  return name
}

// Records by name, so that a broker and a result backend of one name are one store. Kept while either of them is in use.
const stores = new Map<string, WeakRef<MemoryStore>>()

async function memoryStore(name: string, { clock }: AdapterOptions): Promise<MemoryStore> {
  const { MemoryStore } = await import('../result/memory/memory-store.ts')
  const known = stores.get(name)?.deref()
  if (known !== undefined) return known
  for (const [other, store] of stores) if (store.deref() === undefined) stores.delete(other)
  const store = new MemoryStore({ clock, name })
  stores.set(name, new WeakRef(store))
  return store
}
