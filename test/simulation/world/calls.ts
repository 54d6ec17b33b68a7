import type { Random } from '../virtual-clock/random.ts'
import type { Plan } from './plan.ts'

/** What a task of the simulation does; its name is `sim.` and this. */
export const taskKinds = [
  'ok',
  'fail',
  'flaky',
  'asks',
  'limited',
  'soft',
  'once',
  'stubborn',
  'reject',
  'requeue',
  'ignore',
  'poison',
  'spawn',
  'progress',
  'late',
] as const
export type TaskKind = (typeof taskKinds)[number]

/** One call of the workload, and what must become of it. */
export interface CallSpec {
  readonly id: string
  readonly kind: TaskKind
  /** How long its function works. */
  readonly ms: number
  /** How often it asks to be run again. */
  readonly times: number
  readonly countdownS: number | undefined
  readonly expiresS: number | undefined
  readonly priority: number | undefined
  readonly queue: string
  readonly ignoresResult: boolean
  /** Ids of what follows it. */
  readonly link: string | undefined
  readonly errorLink: string | undefined
  /** The id of what it sends while it runs. */
  readonly child: string | undefined
}

export const maxRetries = 3
/** Of the tasks that have limits, in seconds. */
export const limitS = 1

export function callSpec(id: string, random: Random, plan: Plan): CallSpec {
  const kinds = plan.faults.has('poison') ? taskKinds : taskKinds.filter((kind) => kind !== 'poison')
  const kind = random.chance(0.3) ? 'ok' : random.chance(0.3) ? plan.favourite : random.pick(kinds)
  const isLong = random.chance(0.3)
  return {
    id,
    kind,
    ms: isLong ? random.pick([3_000, 20_000]) : random.pick([0, 5, random.between(1, 400)]),
    times: random.between(0, maxRetries + 2),
    countdownS: random.chance(0.2) ? random.between(1, 90) : undefined,
    // What is acknowledged first may expire meanwhile.
    expiresS: random.chance(kind === 'once' ? 0.4 : 0.15) ? random.between(1, random.pick([3, 120])) : undefined,
    priority: random.chance(0.3) ? random.between(0, 9) : undefined,
    queue: random.pick(plan.queues),
    ignoresResult: random.chance(0.1),
    link: random.chance(0.2) ? `${id}.link` : undefined,
    errorLink: random.chance(0.2) ? `${id}.error` : undefined,
    child: kind === 'spawn' ? `${id}.child` : undefined,
  }
}

/** How a call of this kind may end: states of records, `dead:` with a reason, or `ended` without either. */
export function endingsOf(spec: CallSpec, plan: Plan): ReadonlySet<string> {
  const result = spec.ignoresResult ? 'ended' : ''
  const success = result || 'SUCCESS'
  const failure = result || 'FAILURE'
  const dead = (reason: string): string[] => (result ? [`dead:${reason}`] : [`dead:${reason}`, 'FAILURE'])
  // A message may always cost too many workers; that it did is checked where it is set aside.
  const endings = new Set(dead('max-deliveries').filter((ending) => ending.startsWith('dead')))
  for (const ending of byKind()) endings.add(ending)
  if (spec.expiresS !== undefined) endings.add(result || 'REVOKED')
  return endings

  function byKind(): string[] {
    switch (spec.kind) {
      case 'fail':
        return [failure]
      case 'flaky':
      case 'asks':
        return [spec.times > maxRetries ? failure : success]
      case 'limited':
      case 'soft':
        return [spec.ms > limitS * 1000 ? failure : success]
      case 'once':
        // Acknowledged first: it may be lost with its worker, which is told where anybody is left to tell.
        return [success, failure]
      case 'stubborn':
        return plan.maxDeliveries >= 2 ? [success] : [success, ...dead('max-deliveries')]
      case 'reject':
        return dead('rejected')
      case 'ignore':
        return ['ended']
      case 'poison':
        return dead('max-deliveries')
      case 'late':
        return [success, ...dead('unknown-task')]
      case 'spawn':
        // What it sends may be refused to it.
        return [success, failure]
      default:
        return [success]
    }
  }
}
