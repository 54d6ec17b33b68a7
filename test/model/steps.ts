import fc from 'fast-check'

/*
 * What is done to a store, as data: a sequence of steps is generated, shrunk, printed, and kept in the file of regressions. Everything
 * that a step names is an index into what there is then (workers, held claims, dead letters), counted around, so that a step means
 * something wherever it stands.
 */

/** `fan` leads to two queues, `topic` to one, once they are declared; `nowhere` to none. */
export const targets = ['q0', 'q1', 'q2', 'fan', 'topic', 'nowhere'] as const

export interface MessageSpec {
  readonly to: (typeof targets)[number]
  readonly priority?: number | undefined
  /** Due so long from now, ms. */
  readonly dueIn?: number | undefined
  /** Not to be run later than so long from now, ms. */
  readonly expiresIn?: number | undefined
}

export interface SettleSpec {
  /** Which of the claims that the worker holds. */
  readonly which: number
  readonly how: 'done' | 'give-back' | 'park' | 'dead-letter'
  readonly counted?: 'return' | 'loss' | undefined
  readonly dueIn?: number | undefined
  readonly record?: RecordState | undefined
  readonly follow: readonly MessageSpec[]
}
export type RecordState = 'STARTED' | 'RETRY' | 'SUCCESS' | 'FAILURE'

export type Step =
  | { readonly do: 'declare' }
  | { readonly do: 'publish'; readonly messages: readonly MessageSpec[]; readonly process: number }
  | { readonly do: 'publish-together'; readonly calls: readonly (readonly MessageSpec[])[]; readonly process: number }
  | { readonly do: 'claim'; readonly worker: number; readonly count: number }
  | { readonly do: 'claim-together'; readonly count: number }
  | {
      readonly do: 'settle'
      readonly worker: number
      readonly settlements: readonly SettleSpec[]
      /** The worker claims anew as it settles. */
      readonly refill: boolean
    }
  | { readonly do: 'settle-together'; readonly settlements: readonly SettleSpec[] }
  | { readonly do: 'settle-stale'; readonly which: number; readonly settlement: SettleSpec; readonly process: number }
  | { readonly do: 'report'; readonly which: number; readonly state: RecordState }
  | { readonly do: 'renew' | 'hang' | 'wake' | 'lapse'; readonly worker: number }
  | { readonly do: 'crash' | 'reopen'; readonly process: number }
  | { readonly do: 'advance' | 'set-clock'; readonly ms: number }
  | { readonly do: 'look' }
  | { readonly do: 'pause' | 'resume' | 'purge'; readonly queue: number }
  | { readonly do: 'replay' | 'drop'; readonly which: number }
  | { readonly do: 'revoke'; readonly which: number; readonly process: number }

const index = fc.nat({ max: 40 })
/** Left out so many times for each time that it is there. */
const sometimes = <T>(arbitrary: fc.Arbitrary<T>, leftOut: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: leftOut, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const dueIn = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 400 }) },
  { weight: 2, arbitrary: fc.constantFrom(1_000, 4_000, 20_000) },
  // In the past, and further away than one timer can wait.
  { weight: 1, arbitrary: fc.constantFrom(-50, 40 * 86_400_000) },
)
const message: fc.Arbitrary<MessageSpec> = fc.record({
  to: fc.oneof(
    { weight: 48, arbitrary: fc.constantFrom('q0' as const, 'q0' as const, 'q1' as const, 'q2' as const) },
    { weight: 5, arbitrary: fc.constantFrom('fan' as const, 'topic' as const) },
    { weight: 2, arbitrary: fc.constant('nowhere' as const) },
  ),
  priority: sometimes(fc.constantFrom(0, 3, 9), 1),
  dueIn: sometimes(dueIn, 2),
  expiresIn: sometimes(fc.constantFrom(100, 5_000), 12),
})
const messages = fc.array(message, { minLength: 1, maxLength: 5, size: 'max' })

const settlement: fc.Arbitrary<SettleSpec> = fc.record({
  which: index,
  how: fc.constantFrom('done', 'done', 'give-back', 'give-back', 'give-back', 'park', 'dead-letter'),
  counted: sometimes(fc.constantFrom('return' as const, 'loss' as const), 1),
  dueIn: sometimes(dueIn, 2),
  record: sometimes(fc.constantFrom('STARTED', 'RETRY', 'SUCCESS', 'FAILURE'), 1),
  follow: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(message, { maxLength: 2, size: 'max' }) },
  ),
})

const worker = fc.nat({ max: 2 })
const process = fc.nat({ max: 1 })
const queue = fc.nat({ max: 2 })
const named = <T extends Step['do']>(name: T): fc.Arbitrary<T> => fc.constant(name)

interface WeightedStep {
  readonly kind: Step['do']
  readonly weight: number
  readonly arbitrary: fc.Arbitrary<Step>
}

/** Each kind of step with how often it comes, about. */
const weighted: readonly WeightedStep[] = [
  { kind: 'declare', weight: 3, arbitrary: fc.record({ do: named('declare') }) },
  { kind: 'publish', weight: 7, arbitrary: fc.record({ do: named('publish'), messages, process }) },
  {
    kind: 'publish-together',
    weight: 2,
    arbitrary: fc.record({
      do: named('publish-together'),
      calls: fc.array(messages, { minLength: 2, maxLength: 3, size: 'max' }),
      process,
    }),
  },
  {
    kind: 'claim',
    weight: 7,
    arbitrary: fc.record({ do: named('claim'), worker, count: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    kind: 'claim-together',
    weight: 4,
    arbitrary: fc.record({ do: named('claim-together'), count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    kind: 'settle',
    weight: 10,
    arbitrary: fc.record({
      do: named('settle'),
      worker,
      settlements: fc.array(settlement, { minLength: 1, maxLength: 4, size: 'max' }),
      refill: fc.boolean(),
    }),
  },
  {
    kind: 'settle-together',
    weight: 3,
    arbitrary: fc.record({
      do: named('settle-together'),
      settlements: fc.array(settlement, { minLength: 1, maxLength: 2, size: 'max' }),
    }),
  },
  {
    kind: 'settle-stale',
    weight: 3,
    arbitrary: fc.record({ do: named('settle-stale'), which: index, settlement, process }),
  },
  {
    kind: 'report',
    weight: 2,
    arbitrary: fc.record({
      do: named('report'),
      which: index,
      state: fc.constantFrom('STARTED', 'RETRY', 'SUCCESS', 'FAILURE'),
    }),
  },
  { kind: 'renew', weight: 1, arbitrary: fc.record({ do: named('renew'), worker }) },
  { kind: 'hang', weight: 2, arbitrary: fc.record({ do: named('hang'), worker }) },
  { kind: 'wake', weight: 1, arbitrary: fc.record({ do: named('wake'), worker }) },
  { kind: 'lapse', weight: 2, arbitrary: fc.record({ do: named('lapse'), worker }) },
  { kind: 'crash', weight: 2, arbitrary: fc.record({ do: named('crash'), process }) },
  { kind: 'reopen', weight: 1, arbitrary: fc.record({ do: named('reopen'), process }) },
  {
    kind: 'advance',
    weight: 5,
    arbitrary: fc.record({
      do: named('advance'),
      ms: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constantFrom(1_000, 4_000, 9_999)),
    }),
  },
  {
    kind: 'set-clock',
    weight: 3,
    arbitrary: fc.record({ do: named('set-clock'), ms: fc.constantFrom(-3_600_000, -500, 500, 3_600_000) }),
  },
  { kind: 'look', weight: 2, arbitrary: fc.record({ do: named('look') }) },
  { kind: 'pause', weight: 1, arbitrary: fc.record({ do: named('pause'), queue }) },
  { kind: 'resume', weight: 1, arbitrary: fc.record({ do: named('resume'), queue }) },
  { kind: 'purge', weight: 1, arbitrary: fc.record({ do: named('purge'), queue }) },
  { kind: 'replay', weight: 2, arbitrary: fc.record({ do: named('replay'), which: index }) },
  { kind: 'drop', weight: 1, arbitrary: fc.record({ do: named('drop'), which: index }) },
  { kind: 'revoke', weight: 1, arbitrary: fc.record({ do: named('revoke'), which: index, process }) },
]

/** The steps for a store, each kind as often as it is to come. @param without kinds of steps that it can't do */
export function stepArbitraries(without: ReadonlySet<Step['do']>): fc.Arbitrary<Step>[] {
  return weighted
    .filter(({ kind }) => !without.has(kind))
    .flatMap(({ weight, arbitrary }) => Array.from({ length: weight }, () => arbitrary))
}
