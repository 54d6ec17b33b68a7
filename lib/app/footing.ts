import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { errorFromRecord } from '../message/error-record.ts'
import type { ResultAccess } from '../result/result-access.ts'
import type { TaskRegistry } from '../task/task-registry.ts'
import { type AppParts, compose } from './compose.ts'
import type { ResolvedSettings } from './config.ts'
import type { Connections } from './connections.ts'
import { type EagerApp, EagerCalls } from './eager-calls.ts'

/** An app's way to its stores; {@link Connections}, or what a test puts in their place. */
export type AppConnections = Pick<Connections, keyof Connections>

/** Where an app stands: what a test replaces, all at once, to have it on memory and on a clock of its own. */
export interface Ground {
  readonly settings: ResolvedSettings
  readonly clock: Clock
  readonly logger: Logger
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  readonly connections: AppConnections
}

/** What a footing needs of its app. */
export interface FootingApp extends EagerApp {
  readonly tasks: TaskRegistry
  revoke: ResultAccess['revoke']
}

/** A {@link Ground}, and the parts of an app that are built on it. */
export interface Footing extends Ground {
  readonly parts: AppParts
  readonly resultAccess: ResultAccess
  readonly eager: EagerCalls
}

/** Builds an app's parts on a ground. Opens nothing. */
export function footingOn(ground: Ground, app: FootingApp): Footing {
  const { settings, clock, connections } = ground
  const parts = compose(settings, connections, clock)
  const resultAccess: ResultAccess = {
    clock,
    defaultTimeoutMs: settings.resultGetTimeoutMs,
    backend: async () => {
      await parts.loadSerializers()
      return connections.resultBackend()
    },
    onClose: (listener) => connections.onClose(listener),
    decode: (record) => parts.results().read(record),
    errorOf: ({ result, traceback }) => errorFromRecord(result, { traceback, classes: errorClassesOf(app.tasks) }),
    revoke: (ids, options) => app.revoke(ids, options),
  }
  return { ...ground, parts, resultAccess, eager: new EagerCalls(app, resultAccess) }
}

/** The error classes that the app's tasks name: the only ones that a stored error is rebuilt as. */
function* errorClassesOf(tasks: TaskRegistry) {
  for (const { options } of tasks)
    for (const matcher of [
      ...(options.throws ?? []),
      ...(options.autoretryFor ?? []),
      ...(options.dontAutoretryFor ?? []),
    ])
      if (typeof matcher !== 'string') yield matcher
}
