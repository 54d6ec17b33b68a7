import type { AppEventName, AppEvents, AppListener } from './hooks.ts'

export interface ListenOptions {
  /** Only events of this task: its name, or the task itself. Events that name no task are left out then. */
  readonly task?: string | { readonly name: string } | undefined
  /** Stops listening when it aborts. */
  readonly signal?: AbortSignal | undefined
}

interface Listener {
  readonly call: (event: never) => void | Promise<void>
  readonly task: string | undefined
}

/** The listeners of one app, in the order they were added. What a listener throws or rejects with goes to `onError` and hurts nobody. */
export class EventEmitter {
  // A list is replaced, never changed, so that a listener may add or remove listeners while it is told.
  readonly #listeners = new Map<AppEventName, readonly Listener[]>()
  readonly #onError: (error: unknown, event: AppEventName) => void

  constructor(onError: (error: unknown, event: AppEventName) => void) {
    this.#onError = onError
  }

  /** Stop it with what it returns, or by `options.signal`. */
  on<E extends AppEventName>(name: E, listener: AppListener<E>, options: ListenOptions = {}): Disposable {
    const { task, signal } = options
    const added: Listener = { call: listener, task: typeof task === 'object' ? task.name : task }
    const remove = (): void => {
      signal?.removeEventListener('abort', remove)
      this.#remove(name, added)
    }
    if (signal?.aborted !== true) {
      this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), added])
      signal?.addEventListener('abort', remove, { once: true })
    }
    return { [Symbol.dispose]: remove }
  }

  /** False when an event need not even be made. */
  hears(name: AppEventName): boolean {
    return this.#listeners.has(name)
  }

  /** Tells everyone now; nobody is waited for. */
  emit<E extends AppEventName>(name: E, event: AppEvents[E]): void {
    for (const promise of this.#tell(name, event)) promise.catch((error: unknown) => this.#onError(error, name))
  }

  /** Tells one after another, each when the one before is done. For the events that are awaited. */
  async emitInTurn<E extends AppEventName>(name: E, event: AppEvents[E]): Promise<void> {
    for (const promise of this.#tell(name, event)) {
      try {
        await promise
      } catch (error) {
        this.#onError(error, name)
      }
    }
  }

  *#tell<E extends AppEventName>(name: E, event: AppEvents[E]): Generator<Promise<void>> {
    for (const { call, task } of this.#listeners.get(name) ?? []) {
      if (task !== undefined && !('task' in event && event.task === task)) continue
      let returned: void | Promise<void>
      try {
        returned = call(event as never)
      } catch (error) {
        this.#onError(error, name)
        continue
      }
      if (isThenable(returned)) yield Promise.resolve(returned)
    }
  }

  #remove(name: AppEventName, listener: Listener): void {
    const left = (this.#listeners.get(name) ?? []).filter((one) => one !== listener)
    if (left.length === 0) this.#listeners.delete(name)
    else this.#listeners.set(name, left)
  }
}

function isThenable(value: unknown): value is PromiseLike<void> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
