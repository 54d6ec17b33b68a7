import { hostname as systemHostname } from 'node:os'
import type { ResolvedSettings } from '../lib/app/config.ts'
import { type Duration, limitMs } from '../lib/base/duration.ts'
import { InvalidCall, NotSupported } from '../lib/base/errors.ts'
import type { Logger } from '../lib/base/logger.ts'
import { nearestName } from '../lib/base/nearest-name.ts'

/** How one worker differs from what its app's settings say. */
export interface WorkerOptions {
  /** Queues to take from. @default every queue in `taskQueues`, else `taskDefaultQueue` */
  queues?: readonly string[] | undefined
  /** Of those, the ones not to take from. */
  excludeQueues?: readonly string[] | undefined
  /** Tasks that run at a time. @default `workerConcurrency`, 100 */
  concurrency?: number | undefined
  /** Where tasks run. @default `workerPool`, "async" */
  pool?: 'async' | undefined
  /** Its node name: `%h` is the host's name, `%n` its first part, `%d` the rest, `%%` a percent sign. Without an `@`, `@%h` is added. @default "umbel@%h" */
  hostname?: string | undefined
  /** Deliveries held at most for each task that runs at a time. @default `workerPrefetchMultiplier`, 4 */
  prefetchMultiplier?: number | undefined
  /** Hard time limit of tasks that have none of their own; a number is seconds. @default `taskTimeLimit` */
  timeLimit?: Duration | undefined
  /** Soft time limit of tasks that have none of their own; a number is seconds. @default `taskSoftTimeLimit` */
  softTimeLimit?: Duration | undefined
  /** @default the app's */
  logger?: Logger | undefined
  /** Folder that relative paths in `imports` count from. @default the current one */
  importsFrom?: string | undefined
}

/** {@link WorkerOptions} with the settings filled in. */
export interface ResolvedWorkerOptions {
  /** Undefined: every queue of the settings. */
  readonly queues: readonly string[] | undefined
  readonly excludeQueues: readonly string[]
  readonly concurrency: number
  readonly hostname: string
  readonly prefetchMultiplier: number
  readonly timeLimitMs: number | undefined
  readonly softTimeLimitMs: number | undefined
  readonly logger: Logger | undefined
  readonly importsFrom: string | undefined
}

const known: Readonly<Record<keyof WorkerOptions, true>> = {
  queues: true,
  excludeQueues: true,
  concurrency: true,
  pool: true,
  hostname: true,
  prefetchMultiplier: true,
  timeLimit: true,
  softTimeLimit: true,
  logger: true,
  importsFrom: true,
}
const otherPools = new Set(['threads', 'processes', 'prefork', 'solo', 'eventlet', 'gevent'])

/**
 * Checks a worker's options and fills in the settings.
 * @throws {InvalidCall} naming the option that is wrong
 * @throws {NotSupported} for pools that this version does not have
 */
export function resolveWorkerOptions(options: WorkerOptions, settings: ResolvedSettings): ResolvedWorkerOptions {
  for (const name of Object.keys(options)) if (!Object.hasOwn(known, name)) throw unknownOption(name)
  const { pool = settings.workerPool as string, timeLimit, softTimeLimit } = options
  if (pool !== 'async') {
    if (otherPools.has(pool))
      throw new NotSupported(`Cannot start a worker with pool "${pool}": it is not supported yet. Use "async".`)
    throw new InvalidCall(`The worker option pool must be "async", not ${JSON.stringify(pool)}.`)
  }
  return {
    queues: names(options.queues, 'queues'),
    excludeQueues: names(options.excludeQueues, 'excludeQueues') ?? [],
    concurrency: whole(options.concurrency, 'concurrency') ?? settings.workerConcurrency,
    hostname: nodeName(options.hostname ?? 'umbel@%h'),
    prefetchMultiplier: whole(options.prefetchMultiplier, 'prefetchMultiplier') ?? settings.workerPrefetchMultiplier,
    timeLimitMs: timeLimit === undefined ? undefined : limitMs(timeLimit, 'The worker option timeLimit'),
    softTimeLimitMs:
      softTimeLimit === undefined ? undefined : limitMs(softTimeLimit, 'The worker option softTimeLimit'),
    logger: options.logger,
    importsFrom: options.importsFrom,
  }
}

/**
 * A node name with its abbreviations written out.
 * @param host the machine's name; for tests
 * @throws {InvalidCall}
 */
export function nodeName(pattern: string, host = systemHostname()): string {
  if (typeof pattern !== 'string' || !/^[^\p{C}\s]{1,200}$/u.test(pattern))
    throw new InvalidCall(
      `The worker option hostname must be a name of 1 to 200 characters without spaces, such as "w1@%h", not ${JSON.stringify(pattern)}.`,
    )
  const dot = host.indexOf('.')
  const written: Record<string, string> = {
    '%': '%',
    h: host,
    n: dot === -1 ? host : host.slice(0, dot),
    d: dot === -1 ? '' : host.slice(dot + 1),
  }
  const whole = pattern.includes('@') ? pattern : `${pattern}@%h`
  return whole.replace(/%(.?)/g, (abbreviation, letter: string) => {
    const text = written[letter]
    if (text !== undefined) return text
    throw new InvalidCall(`The worker option hostname has "${abbreviation}" in it; there are %h, %n, %d and %%.`)
  })
}

function unknownOption(name: string): InvalidCall {
  const nearest = nearestName(name, Object.keys(known))
  const hint = nearest === undefined ? `There are ${Object.keys(known).join(', ')}.` : `Did you mean "${nearest}"?`
  return new InvalidCall(`A worker has no option "${name}". ${hint}`)
}

function names(given: readonly string[] | undefined, option: string): readonly string[] | undefined {
  if (given === undefined) return undefined
  if (Array.isArray(given) && given.every((name) => typeof name === 'string' && name !== '')) return [...new Set(given)]
  throw new InvalidCall(`The worker option ${option} must be a list of queue names.`)
}

function whole(given: number | undefined, option: string): number | undefined {
  if (given === undefined || (Number.isSafeInteger(given) && given >= 1 && given <= 100_000)) return given
  throw new InvalidCall(`The worker option ${option} must be a whole number from 1 to 100,000, not ${String(given)}.`)
}
