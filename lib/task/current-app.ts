import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../base/clock.ts'
import { NoApp } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Call } from '../publish/call.ts'
import type { AsyncResult } from '../result/async-result.ts'
import type { CallDefaults, EagerCall } from './make-call.ts'
import type { TaskDefinition } from './task-definition.ts'

/** What a task needs of its app; the app is the only implementation. */
export interface TaskApp {
  readonly name: string
  readonly clock: Clock
  /** Where tasks that are called as plain functions log to. */
  readonly logger?: Logger | undefined
  /** App-wide defaults that a call is merged with. One object for the app's life: what is computed from it is kept by it. */
  readonly callDefaults: CallDefaults
  /** Resolves when the broker has taken all of them; results in order. */
  send(calls: readonly Call[]): Promise<AsyncResult<unknown>[]>
  /** Runs a call here, as a worker would. */
  runEagerly(definition: TaskDefinition, call: EagerCall): Promise<AsyncResult<unknown>>
  /** A handle of a task that was sent before. */
  result(id: string): AsyncResult<unknown>
  /** Finds a task of this app or a shared one. */
  findTask(name: string): TaskDefinition | undefined
}

/**
 * The one ambient value of the library, kept on `globalThis` so that two copies of the package agree: the apps alive, and the tasks
 * that belong to no app. Its shape may only grow.
 */
export interface Ambient {
  readonly running: AsyncLocalStorage<TaskApp>
  /** Alive, oldest first; the last one is current. */
  readonly apps: TaskApp[]
  /** Of those, the ones that a test has put on memory; the last one is current, also when another was created after it. */
  underTest?: TaskApp[] | undefined
  readonly sharedTasks: Map<string, TaskDefinition>
  /** Told of each shared task as it registers. */
  readonly onSharedTask: Set<(definition: TaskDefinition) => void>
  /** Makes an app from the environment when none exists; set by the app module. */
  fromEnvironment?: (() => TaskApp) | undefined
  /** Set while task modules are loaded again: a task then replaces the one of its name instead of being refused. */
  replaceTasks?: boolean | undefined
}

const key = Symbol.for('umbel.app')

/** The ambient value, made on first use. */
export function ambient(): Ambient {
  const holder = globalThis as { [key]?: Ambient }
  holder[key] ??= { running: new AsyncLocalStorage(), apps: [], sharedTasks: new Map(), onSharedTask: new Set() }
  return holder[key]
}

/**
 * The app that a shared task belongs to just now: that of `app.run(() => …)`, else one under test, else the last created, else one made from
 * the environment.
 * @param what what the app is needed for, as the error shall name it
 * @throws {NoApp}
 */
export function currentApp(what: string): TaskApp {
  const app = currentAppIfAny() ?? ambient().fromEnvironment?.()
  if (app !== undefined) return app
  throw new NoApp(
    `${what} needs an app, and none exists in this process. Create one before the first call: new Umbel('shop').`,
  )
}

/** As {@link currentApp}, of the apps that there are. */
export function currentAppIfAny(): TaskApp | undefined {
  const { running, underTest, apps } = ambient()
  return running.getStore() ?? underTest?.at(-1) ?? apps.at(-1)
}
