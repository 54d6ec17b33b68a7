import { Closed } from '../base/errors.ts'
import type { Service } from '../base/service.ts'

/**
 * A service that several users hold. Each gets a handle that looks like the service; stopping a handle ends what was started through it
 * and that hold alone, and the last one stops the service.
 */
export class SharedService<T extends Service> {
  readonly #service: T
  readonly #onLast: () => void
  #holds = 0

  /** @param onLast called when nobody holds it any more, after it was stopped */
  constructor(service: T, onLast: () => void) {
    this.#service = service
    this.#onLast = onLast
  }

  hold(): T {
    this.#holds++
    const started = new Set<Service>()
    const methods = new Map<PropertyKey, unknown>()
    let isStopped = false
    const stop = async (): Promise<void> => {
      if (isStopped) return
      isStopped = true
      for (const each of started) await each.stop()
      await this.#release()
    }
    const wrap = (method: (...args: unknown[]) => unknown) => {
      return (...args: unknown[]): unknown => {
        if (isStopped) return refuse(method, this.#service.constructor.name)
        const answer = method.apply(this.#service, args)
        return answer instanceof Promise ? answer.then((value: unknown) => remember(value, started)) : answer
      }
    }
    return new Proxy(this.#service, {
      get(target, name) {
        if (name === 'stop') return stop
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        // One wrapper for each method, so that the handle's methods are the same each time they are looked at.
        const known = methods.get(name) ?? wrap(value as (...args: unknown[]) => unknown)
        methods.set(name, known)
        return known
      },
    })
  }

  async #release(): Promise<void> {
    if (--this.#holds > 0) return
    await this.#service.stop()
    this.#onLast()
  }
}

/** In the way that the method itself fails: an asynchronous one rejects. */
function refuse(method: (...args: unknown[]) => unknown, service: string): Promise<never> {
  const error = new Closed(`Cannot use it: this handle of a shared ${service} was closed.`)
  if (Object.prototype.toString.call(method) === '[object AsyncFunction]') return Promise.reject(error)
  throw error
}

/** What has a `stop` was started by this user: a consumption, a subscription. */
function remember(value: unknown, started: Set<Service>): unknown {
  if (typeof value === 'object' && value !== null && typeof (value as Partial<Service>).stop === 'function')
    started.add(value as Service)
  return value
}
