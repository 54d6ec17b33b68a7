import { Ignore, Reject, type TaskContext, type Umbel } from '../../../lib/index.ts'
import { type CallSpec, limitS, maxRetries, type TaskKind } from './calls.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

type Body = (task: TaskContext, spec: CallSpec) => Promise<unknown>

/** Defines the simulation's tasks in a process's app, as a deployment of that moment has them. */
export function defineTasks(world: World, process: Process): void {
  const { app } = process
  const bodies = bodiesOf(world, process)
  for (const [kind, body] of Object.entries(bodies) as [TaskKind, Body][]) {
    if (kind === 'late' && process.isWorker && process.startedAt < world.plan.deployAtMs && !world.chaos.isCalm)
      continue
    const run = async (task: TaskContext): Promise<unknown> => {
      const account = process.isDead ? undefined : world.ledger.started(process, task)
      // Not for a dead process: what it still does is nothing.
      if (account === undefined) return new Promise(() => {})
      return body(task, account.spec)
    }
    app.task({ name: `sim.${kind}`, bind: true, ...optionsOf[kind] }, run)
  }
}

const retries = { maxRetries, retryBackoff: 1, retryBackoffMax: 20 } as const

const optionsOf: Partial<Record<TaskKind, object>> = {
  flaky: { ...retries, autoretryFor: [Error] },
  asks: { ...retries, defaultRetryDelay: 2 },
  limited: { timeLimit: limitS },
  soft: { softTimeLimit: limitS },
  once: { ...retries, acksLate: false, autoretryFor: [Error] },
  stubborn: { timeLimit: limitS, acksOnTimeout: false },
}

function bodiesOf(world: World, process: Process): Record<TaskKind, Body> {
  const done = ({ id }: TaskContext): string => `done ${id}`
  const ok: Body = async (task, { ms }) => {
    await process.work(ms)
    return done(task)
  }
  const fail = async (task: TaskContext, ms: number): Promise<never> => {
    await process.work(ms)
    throw new Error(`${task.id} fails`)
  }
  return {
    ok,
    late: ok,
    limited: ok,
    fail: (task, { ms }) => fail(task, ms),
    flaky: (task, { ms, times }) =>
      task.retries < times ? fail(task, ms) : ok(task, world.ledger.accounts.get(task.id)!.spec),
    once: (task, { ms, times }) =>
      task.retries < Math.min(times, 2) ? fail(task, ms) : ok(task, world.ledger.accounts.get(task.id)!.spec),
    asks: async (task, { ms, times }) => {
      await process.work(ms)
      if (task.retries < times) throw task.retry({ countdown: 1 })
      return done(task)
    },
    soft: async (task, { ms }) => {
      const aborted = new Promise<never>((_, reject) =>
        task.signal.addEventListener('abort', () => reject(task.signal.reason), { once: true }),
      )
      await Promise.race([process.work(ms), aborted])
      return done(task)
    },
    stubborn: async (task) => {
      await process.work(task.attempt <= 2 ? 5_000 : 10)
      return done(task)
    },
    reject: async (_task, { ms }) => {
      await process.work(ms)
      throw new Reject('not for me')
    },
    requeue: async (task, { ms, times }) => {
      await process.work(ms)
      const account = world.ledger.accounts.get(task.id)!
      if (account.requeues++ < times) throw new Reject('not now', { requeue: true })
      return done(task)
    },
    ignore: async () => {
      throw new Ignore()
    },
    poison: () => {
      world.chaos.count('poison')
      world.crash(process)
      return new Promise(() => {})
    },
    spawn: async (task, { ms, child, queue }) => {
      await process.work(ms)
      await world.send(process, child!, { queue })
      return done(task)
    },
    progress: async (task, { ms }) => {
      await task.progress(1, 2)
      await process.work(ms)
      await task.updateState('HALF', { of: task.id })
      return done(task)
    },
  }
}

/** An app's handle on a task of the simulation. */
export function signatureOf(app: Umbel, spec: CallSpec, id: string) {
  return app.signature({
    task: 'sim.ok',
    args: [],
    kwargs: {},
    options: { task_id: id, queue: spec.queue },
    subtask_type: null,
    immutable: true,
  })
}
