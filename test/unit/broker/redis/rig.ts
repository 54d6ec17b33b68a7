import { type Clock, systemClock } from '../../../../lib/base/clock.ts'
import { RedisBroker, type RedisBrokerOptions } from '../../../../lib/broker/redis/redis-broker.ts'
import { openRedisServer, type RedisServer } from '../../../../lib/driver/redis/redis-server.ts'
import { readRedisUrl } from '../../../../lib/driver/redis/redis-url.ts'

/** Brokers over one server, as processes of their own have them, and a connection to look at what they do. */
export interface RedisRig {
  broker(options?: Partial<RedisBrokerOptions> & { url?: string }): Promise<RedisBroker>
  readonly server: RedisServer
  /** One command, its reply as text. */
  run(...words: (string | number)[]): Promise<any>
}

/** For one suite: call in the body of a `describe`. Everything is stopped after each test. */
export function useRedisRig(url: () => string): () => Promise<RedisRig> {
  const stops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })
  return async () => {
    const given = url()
    const server = openRedisServer({ endpoint: readRedisUrl(given), clock: anotherClock() })
    stops.push(() => server.release())
    return {
      server,
      run: (name, ...args) => server.command(String(name), args),
      async broker({ url: own = given, ...options } = {}) {
        const broker = new RedisBroker({ endpoint: readRedisUrl(own), clock: anotherClock(), ...options })
        stops.push(() => broker.stop())
        await broker.start()
        return broker
      },
    }
  }
}

/** The same time on connections of its own, as another process has them. */
export function anotherClock(): Clock {
  return { ...systemClock }
}
