import type { Clock } from '../base/clock.ts'
import { Closed } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { microtask } from '../base/microtask.ts'
import type { Service } from '../base/service.ts'
import type { Broker } from '../broker/broker.ts'
import type { ResultBackend } from '../result/result-backend.ts'
import type { StateStore } from '../state/state-store.ts'
import type { ResolvedSettings } from './config.ts'
import { openBroker, openResultBackend, openStateStore } from './open-adapters.ts'

/** How an app's adapters are opened. */
export interface AdapterOpeners {
  readonly broker: typeof openBroker
  readonly resultBackend: typeof openResultBackend
  readonly stateStore: typeof openStateStore
}

const byUrl: AdapterOpeners = { broker: openBroker, resultBackend: openResultBackend, stateStore: openStateStore }

export interface ConnectionsParts {
  readonly settings: ResolvedSettings
  readonly clock: Clock
  readonly logger: Logger
  /** @default by their URLs */
  readonly open?: AdapterOpeners | undefined
}

/**
 * The app's broker, result backend and state store: each opened on first use, once, and closed in reverse order. Opening that failed is
 * tried again at the next use.
 */
export class Connections {
  readonly #parts: ConnectionsParts
  readonly #openers: AdapterOpeners
  readonly #opening = new Map<string, Promise<Service>>()
  readonly #onClose = new Set<() => void>()
  #isClosed = false

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
    this.#openers = parts.open ?? byUrl
  }

  broker(): Promise<Broker> {
    const { settings } = this.#parts
    return this.#open('broker', () => {
      this.#warnOfEmbeddedStore(settings.brokerUrl)
      return this.#openers.broker(settings.brokerUrl, this.#adapterOptions())
    })
  }

  resultBackend(): Promise<ResultBackend> {
    return this.#open('result backend', () =>
      this.#openers.resultBackend(this.#parts.settings.resultBackend, this.#adapterOptions()),
    )
  }

  /** Beside the broker: what a cluster agrees on lives where its messages are. */
  stateStore(): Promise<StateStore> {
    return this.#open('state store', () =>
      this.#openers.stateStore(this.#parts.settings.brokerUrl, this.#adapterOptions()),
    )
  }

  /** Calls back when closing begins; it must not throw. Stop with what it returns. */
  onClose(listener: () => void): () => void {
    if (this.#isClosed) microtask(listener)
    else this.#onClose.add(listener)
    return () => void this.#onClose.delete(listener)
  }

  /** May be called twice. What is opened afterwards is refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const listener of this.#onClose) listener()
    this.#onClose.clear()
    const opened = [...this.#opening.values()].reverse()
    this.#opening.clear()
    for (const opening of opened) {
      const service = await opening.catch(() => undefined) // it never opened: nothing to close
      await service?.stop()
    }
  }

  #open<T extends Service>(what: string, open: () => Promise<T>): Promise<T> {
    if (this.#isClosed)
      return Promise.reject(new Closed(`Cannot use the ${what}: the app was closed. Create a new app.`))
    const known = this.#opening.get(what) as Promise<T> | undefined
    if (known !== undefined) return known
    const opening = open().then(async (service) => {
      try {
        await service.start()
      } catch (error) {
        // The next use opens another; this one would go on connecting.
        await service.stop().catch(() => {}) // it never began: what failed is what counts
        throw error
      }
      return service
    })
    this.#opening.set(what, opening)
    opening.catch(() => {
      if (this.#opening.get(what) === opening) this.#opening.delete(what)
    })
    return opening
  }

  #adapterOptions() {
    const { settings, clock } = this.#parts
    return { clock, settings }
  }

  #warnOfEmbeddedStore(url: string): void {
    if (process.env['NODE_ENV'] !== 'production' || !this.#parts.settings.brokerIsDefault) return
    this.#parts.logger.warn(
      { broker: url },
      `No broker is set, so this app uses the embedded store ${url}: it serves the processes of this machine alone. Set \`broker\` to say that this is meant.`,
    )
  }
}
