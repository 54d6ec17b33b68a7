import { assert } from 'chai'
import { systemClock } from '../../../../lib/base/clock.ts'
import type { UmbelError } from '../../../../lib/base/errors.ts'
import type { RedisEndpoint } from '../../../../lib/driver/redis/redis-endpoint.ts'
import {
  openRedisServer,
  type RedisServer,
  type RedisServerOptions,
} from '../../../../lib/driver/redis/redis-server.ts'
import { readRedisUrl } from '../../../../lib/driver/redis/redis-url.ts'
import { within } from '../../../support/until.ts'

/** For one suite: opens servers, each given back after its test. A test that gives one back itself only hastens that. */
export function useServers(): (where: string | RedisEndpoint, options?: Partial<RedisServerOptions>) => RedisServer {
  const opened: RedisServer[] = []
  afterEach(async () => {
    for (const server of opened.splice(0)) await within(5_000, `${server.name} to close`, server.release())
  })
  return (where, options = {}) => {
    const endpoint = typeof where === 'string' ? readRedisUrl(where) : where
    const server = openRedisServer({ clock: systemClock, ...options, endpoint })
    opened.push(server)
    return server
  }
}

/** What the promise is rejected with, soon. */
export async function errorOf(promise: Promise<unknown>): Promise<UmbelError> {
  try {
    const value = await within(10_000, 'an error', promise)
    return assert.fail(`resolved with ${String(value)}`)
  } catch (error) {
    return error as UmbelError
  }
}
