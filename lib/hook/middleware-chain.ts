import { InvalidCall } from '../base/errors.ts'

/**
 * Stands round every run of a task: `async (task, next) => …`. `next()` runs what is further in and gives its result or throws its
 * error. What the middleware returns becomes the result; undefined keeps the one of `next()`.
 */
export type Middleware<T> = (task: T, next: () => Promise<unknown>) => unknown

/** The middleware of one app, the first added outermost. */
export class MiddlewareChain<T> {
  // Replaced, never changed: a run keeps the list it began with.
  #list: readonly Middleware<T>[] = []

  /** Takes it out again with what it returns. */
  use(middleware: Middleware<T>): Disposable {
    this.#list = [...this.#list, middleware]
    return {
      [Symbol.dispose]: () => {
        this.#list = this.#list.filter((one) => one !== middleware)
      },
    }
  }

  get isEmpty(): boolean {
    return this.#list.length === 0
  }

  /** Calls `innermost` inside all of them; rejects as the outermost does. */
  run(task: T, innermost: () => unknown): Promise<unknown> {
    const list = this.#list
    const enter = async (index: number): Promise<unknown> => {
      const middleware = list[index]
      if (middleware === undefined) return innermost()
      let inner: Promise<unknown> | undefined
      const returned = await middleware(task, () => {
        if (inner !== undefined)
          throw new InvalidCall(
            `Middleware ${index + 1} called next() twice; a task runs once. Call next() once and keep its result.`,
          )
        inner = enter(index + 1)
        return inner
      })
      return returned === undefined ? inner : returned
    }
    return enter(0)
  }
}
