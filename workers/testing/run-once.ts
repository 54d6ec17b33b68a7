import type { Umbel } from '../../lib/app/app.ts'
import { InvalidCall } from '../../lib/base/errors.ts'
import type { CallOptions } from '../../lib/canvas/signature.ts'
import { MiddlewareChain } from '../../lib/hook/middleware-chain.ts'
import { errorFromRecord } from '../../lib/message/error-record.ts'
import { decodeBody, readMessage } from '../../lib/message/read-message.ts'
import type { Call } from '../../lib/publish/call.ts'
import { Attempt } from '../../lib/run/attempt.ts'
import type { AttemptParts } from '../../lib/run/attempt-parts.ts'
import type { Job } from '../../lib/run/job.ts'
import type { Outcome } from '../../lib/run/outcome.ts'
import { limitsOf, startTimeLimits } from '../../lib/run/time-limit.ts'
import { prepareCall } from '../../lib/task/make-call.ts'
import type { TaskContext } from '../../lib/task/task-context.ts'
import { effectiveTaskOptions } from '../../lib/task/task-options.ts'
import { Retry } from '../../lib/task/task-signals.ts'
import type { EnqueuedCall } from './call-log.ts'
import { OneRun, type RunEnding, type StoredState } from './one-run.ts'

/** What a task shall see of its run: options of the call that it answers, and what became of it so far. */
export interface RunTaskOptions
  extends Pick<
    CallOptions,
    'taskId' | 'queue' | 'priority' | 'eta' | 'expires' | 'headers' | 'timeLimit' | 'softTimeLimit' | 'replyTo'
  > {
  kwargs?: Readonly<Record<string, unknown>> | undefined
  /** Retries made before. @default 0 */
  retries?: number | undefined
  /** 1 for the first delivery, one more for each that was lost with its worker. @default 1 */
  attempt?: number | undefined
  /** @default true from the second attempt on */
  redelivered?: boolean | undefined
  /** Aborts `task.signal`, with its own reason. */
  signal?: AbortSignal | undefined
}

/** What a single run needs of the test that it belongs to. */
export interface RunSurroundings {
  readonly app: Umbel
  enqueued(): EnqueuedCall[]
}

/**
 * One attempt of a task, by the code that workers run it with.
 * @throws {InvalidCall, TypeError, SchemaRefused} when the call can't be made, as `applyAsync` would
 */
export async function runOnce<R>(
  test: RunSurroundings,
  { task, args }: { readonly task: string; readonly args: readonly unknown[] },
  options: RunTaskOptions,
): Promise<OneRun<R>> {
  const { app } = test
  const definition = app.tasks.get(task)
  const { retries = 0, attempt = 1, redelivered = attempt > 1, signal, ...call } = options
  if (!Number.isSafeInteger(retries) || retries < 0)
    throw new InvalidCall(`retries of runTask() must be a whole number, 0 or more, not ${String(retries)}.`)
  await app.parts.loadSerializers()
  const around = { defaults: app.callDefaults, now: app.clock.now() }
  const made: Call = { ...(await prepareCall(definition, args, call, around)), retries }
  const job = jobOf(made, app, { attempt, redelivered })
  const states: StoredState[] = []
  const watched = watchedParts(app, states)
  const outcome = await endOf(new Attempt(job, watched.parts), app, signal)
  const enqueued = test.enqueued().filter(({ parentId }) => parentId === made.id)
  watched.stop()
  return new OneRun(task, endingOf<R>(outcome, app, watched), { states, enqueued })
}

function jobOf(call: Call, app: Umbel, delivery: Pick<Job, 'attempt' | 'redelivered'>): Job {
  const { message, route } = app.parts.publisher.prepare(call)
  const { headers } = readMessage(message, policyOf(app))
  const definition = app.tasks.get(call.task)
  return {
    headers,
    message,
    queue: app.parts.router.route(call).queue,
    route,
    ...delivery,
    hostname: 'umbel@run-task',
    ...limitsOf(headers, effectiveTaskOptions(definition, app.callDefaults)),
  }
}

interface Watched {
  readonly parts: AttemptParts
  /** What the task's own code threw. */
  readonly thrown: () => unknown
  /** What the attempt made of it. */
  readonly failure: () => Error | undefined
  stop(): void
}

function watchedParts(app: Umbel, states: StoredState[]): Watched {
  let thrown: unknown
  let failure: Error | undefined
  const middleware = new MiddlewareChain<TaskContext>()
  middleware.use(async (context, next) => {
    try {
      return await app.middleware.run(context, next)
    } catch (error) {
      thrown = error
      throw error
    }
  })
  const stop = new AbortController()
  const parts: AttemptParts = {
    ...app.attemptParts(),
    middleware,
    isEager: false,
    keepRecord: async (record) => {
      const { status, result } = app.parts.results().read(record)
      states.push({ state: status, meta: result })
    },
  }
  app.on(
    'taskFailure',
    ({ hostname, error }) => {
      if (hostname === 'umbel@run-task') failure = error
    },
    { signal: stop.signal },
  )
  return { parts, thrown: () => thrown, failure: () => failure, stop: () => stop.abort() }
}

async function endOf(attempt: Attempt, app: Umbel, signal: AbortSignal | undefined): Promise<Outcome> {
  const abort = (): void => attempt.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await new Promise<Outcome>((resolve) => {
      const disarm = startTimeLimits(attempt, app.clock, resolve)
      void Promise.resolve(attempt.run()).then((outcome) => {
        disarm?.()
        resolve(outcome)
      })
    })
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

function endingOf<R>(outcome: Outcome, app: Umbel, watched: Watched): RunEnding<R> {
  switch (outcome.kind) {
    case 'succeeded': {
      const { contentType, data } = outcome.value
      // The one place where the wire's word is taken for the caller's type, as in AsyncResult.
      return { kind: 'succeeded', value: app.parts.resultSerializers.loaded(contentType).decode(data) as R }
    }
    case 'retry':
      return { kind: 'retried', retry: nextTry(outcome, app, watched.thrown()) }
    case 'failed':
      return { kind: 'failed', error: watched.failure() ?? errorFromRecord(outcome.error, {}) }
    case 'timed-out':
      return { kind: 'failed', error: watched.failure() ?? new Error(`Over its hard limit of ${outcome.limitMs} ms.`) }
    case 'rejected':
      return { kind: 'rejected', reason: outcome.reason, requeue: outcome.requeue }
    case 'refused':
      return { kind: 'rejected', reason: outcome.detail, requeue: false }
    case 'lost':
      return { kind: 'rejected', reason: outcome.detail, requeue: true }
    case 'released':
      return { kind: 'rejected', reason: 'The worker is stopping; it is given back and runs again.', requeue: true }
    case 'ignored':
      return { kind: 'ignored' }
    case 'revoked':
      return { kind: 'revoked', reason: outcome.reason }
    default:
      return outcome satisfies never
  }
}

function nextTry(outcome: Outcome & { kind: 'retry' }, app: Umbel, thrown: unknown) {
  const { message, notBefore } = outcome.next
  const { args, kwargs } = decodeBody(message, policyOf(app))
  const now = app.clock.now()
  const eta = notBefore ?? now
  const cause = thrown instanceof Retry ? thrown.options.error : thrown
  return {
    countdown: Math.max(0, eta - now) / 1000,
    eta: new Date(eta),
    error: cause === undefined || cause instanceof Error ? cause : new Error(String(cause), { cause }),
    args,
    kwargs: { ...kwargs },
  }
}

function policyOf({ parts }: Umbel) {
  return { serializers: parts.serializers, limits: parts.limits }
}
