import type { Service } from '../base/service.ts'

/** One thing in memory that several apps of this process use: made by the first, stopped by the last that lets go. */
interface Shared {
  readonly service: Promise<Service>
  users: number
}

const shared = new Map<string, Shared>()

/**
 * The service of this key, made on first use. Each caller gets a handle of his own, whose `stop()` lets go; only the last one stops the
 * service, and then what it held is gone.
 */
export async function sharedInMemory<T extends Service>(key: string, make: () => Promise<T>): Promise<T> {
  const entry = shared.get(key) ?? { service: make(), users: 0 }
  shared.set(key, entry)
  entry.users++
  const service = (await entry.service) as T
  let isReleased = false
  const release = async (): Promise<void> => {
    if (isReleased) return
    isReleased = true
    if (--entry.users > 0) return
    shared.delete(key)
    await service.stop()
  }
  return new Proxy(service, {
    get(target, name) {
      if (name === 'stop') return release
      const member: unknown = Reflect.get(target, name, target)
      // Bound, because private fields are the service's own and not the handle's.
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
