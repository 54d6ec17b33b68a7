import type { Generation } from '../../driver/redis/redis-commands.ts'
import type { RedisServer } from '../../driver/redis/redis-server.ts'

/** Where the server tells of keys that changed. */
const invalidations = '__redis__:invalidate'

/**
 * Has the server tell when lists change whose lengths were read: nothing waits in a blocking command, and nothing is written for it. A server
 * or user that refuses it is looked at again and again instead.
 */
export class RedisWakeups {
  readonly #server: RedisServer
  readonly #onChanged: (keys: readonly string[] | undefined) => void
  #stop: (() => void) | undefined
  #told: Generation | undefined

  /** @param onChanged given the keys that changed; undefined when it may be any */
  constructor(server: RedisServer, onChanged: (keys: readonly string[] | undefined) => void) {
    this.#server = server
    this.#onChanged = onChanged
  }

  start(): void {
    this.#stop ??= this.#server.subscribe(invalidations, {
      onMessage: (payload) => this.#onChanged(Array.isArray(payload) ? payload.map(String) : undefined),
      onReady: (generation) => void this.#ask(generation), // never rejects
    })
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#told = undefined
  }

  /** True when the server tells of what is read over this generation after `CLIENT CACHING YES`. */
  isTold(generation: Generation): boolean {
    return this.#told === generation
  }

  async #ask(generation: Generation): Promise<void> {
    const { subscriberId } = generation
    if (subscriberId === undefined) return
    try {
      await generation.command('CLIENT', ['TRACKING', 'ON', 'REDIRECT', subscriberId, 'OPTIN'], {
        what: 'be told of new messages',
      })
      this.#told = generation
      // What came before is seen by looking.
      this.#onChanged(undefined)
    } catch {
      // Not allowed to this user, or taken away by a proxy: looking often does it too.
    }
  }
}
