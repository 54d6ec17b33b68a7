import type { Clock } from '../base/clock.ts'
import type { Broker } from '../broker/broker.ts'
import { MemoryBroker } from '../broker/memory/memory-broker.ts'
import { MemoryResultBackend } from '../result/memory/memory-result-backend.ts'
import { MemoryStore } from '../result/memory/memory-store.ts'
import type { ResultBackend } from '../result/result-backend.ts'
import { MemoryStateStore } from '../state/memory-state-store.ts'
import type { StateStore } from '../state/state-store.ts'
import type { ResolvedSettings } from './config.ts'
import { SharedService } from './shared-service.ts'

// By clock, since what is kept in one is counted by it: two apps meet when they name one store and live in one time.
const named = new WeakMap<Clock, Map<string, MemoryPlace>>()
const unnamed = new WeakMap<ResolvedSettings, MemoryPlace>()

/**
 * What a `memory://` URL means: with a name, one store for all of this process that names it, as long as anybody holds it; without, one
 * for each app, which its settings stand for.
 */
export function memoryPlace(name: string, clock: Clock, settings: ResolvedSettings): MemoryPlace {
  if (name === '') {
    const own = unnamed.get(settings) ?? new MemoryPlace(clock, undefined, () => {})
    unnamed.set(settings, own)
    return own
  }
  const places = named.get(clock) ?? new Map<string, MemoryPlace>()
  named.set(clock, places)
  const place = places.get(name) ?? new MemoryPlace(clock, name, () => places.delete(name))
  places.set(name, place)
  return place
}

/** Messages, results and state of one name, in this process. */
export class MemoryPlace {
  readonly #clock: Clock
  readonly #store: MemoryStore
  readonly #onEmpty: () => void
  #broker: SharedService<Broker> | undefined
  #results: SharedService<ResultBackend> | undefined
  #state: SharedService<StateStore> | undefined

  constructor(clock: Clock, name: string | undefined, onEmpty: () => void) {
    this.#clock = clock
    this.#store = new MemoryStore({ clock, name })
    this.#onEmpty = onEmpty
  }

  broker(): Broker {
    this.#broker ??= new SharedService<Broker>(new MemoryBroker({ clock: this.#clock, shared: this.#store }), () => {
      this.#broker = undefined
      this.#emptied()
    })
    return this.#broker.hold()
  }

  results(): ResultBackend {
    this.#results ??= new SharedService<ResultBackend>(
      new MemoryResultBackend({ clock: this.#clock, shared: this.#store }),
      () => {
        this.#results = undefined
        this.#emptied()
      },
    )
    return this.#results.hold()
  }

  state(): StateStore {
    this.#state ??= new SharedService<StateStore>(new MemoryStateStore({ clock: this.#clock }), () => {
      this.#state = undefined
      this.#emptied()
    })
    return this.#state.hold()
  }

  #emptied(): void {
    if (this.#broker === undefined && this.#results === undefined && this.#state === undefined) this.#onEmpty()
  }
}
