import type { Random } from '../virtual-clock/random.ts'

/** Everything that a world does to its processes and to what they ask of the broker. Each seed switches a subset on. */
export const faultKinds = [
  'publish refused',
  'publish lost',
  'publish stored, reply lost',
  'publish stored late',
  'publish stored twice',
  'publish stored in part',
  'settle refused',
  'settle lost',
  'settle done, reply lost',
  'settle done late',
  'claim refused',
  'results refused',
  'state refused',
  'broadcast lost',
  'slow network',
  'process frozen',
  'worker crashed',
  'producer crashed',
  'network cut',
  'outage',
  'queue paused',
  'warm stop',
  'cold stop',
  'poison',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** What is asked of a store, as far as faults tell it apart. */
export type Asked = 'publish' | 'settle' | 'claim' | 'results' | 'state' | 'broadcast' | 'other'

/** What becomes of one request. */
export type Fate = 'done' | 'refused' | 'lost' | 'mute' | 'late' | 'twice' | 'part'

/** The dice of one world, loaded by its seed. */
export class Chaos {
  readonly random: Random
  readonly injected = new Map<FaultKind, number>()
  readonly #on: ReadonlySet<FaultKind>
  /** How likely each request is to be hit by a fault of its kind. */
  readonly #rate: number
  readonly #delayMs: number
  /** Faults are over, and the network is quick. */
  isCalm = false
  /** Every store refuses everything. */
  isOut = false

  /** @param usualMs how long a way through the network takes at most, usually */
  constructor(random: Random, on: ReadonlySet<FaultKind>, rate: number, usualMs = 2) {
    this.random = random
    this.#on = on
    this.#rate = rate
    this.#delayMs = on.has('slow network') ? random.pick([20, 200, 2_000]) : usualMs
    if (on.has('slow network')) this.count('slow network')
  }

  has(kind: FaultKind): boolean {
    return this.#on.has(kind)
  }

  count(kind: FaultKind): void {
    this.injected.set(kind, (this.injected.get(kind) ?? 0) + 1)
  }

  /** True now and then, if the fault is on; counted then. */
  strikes(kind: FaultKind, rate = this.#rate): boolean {
    if (this.isCalm || !this.#on.has(kind) || !this.random.chance(rate)) return false
    this.count(kind)
    return true
  }

  /** One way through the network. */
  delay(): number {
    const { random } = this
    if (this.isCalm) return Math.floor(random.next() * 2)
    // Now and then much longer than usual.
    return Math.floor(random.next() * this.#delayMs * (random.chance(0.02) ? 20 : 1))
  }

  fateOf(asked: Asked): Fate {
    if (this.isOut) return 'refused'
    for (const [kind, fate] of fates[asked] ?? []) if (this.strikes(kind)) return fate
    return 'done'
  }
}

const fates: Partial<Record<Asked, readonly (readonly [FaultKind, Fate])[]>> = {
  publish: [
    ['publish refused', 'refused'],
    ['publish lost', 'lost'],
    ['publish stored, reply lost', 'mute'],
    ['publish stored late', 'late'],
    ['publish stored twice', 'twice'],
    ['publish stored in part', 'part'],
  ],
  settle: [
    ['settle refused', 'refused'],
    ['settle lost', 'lost'],
    ['settle done, reply lost', 'mute'],
    ['settle done late', 'late'],
  ],
  claim: [['claim refused', 'refused']],
  results: [['results refused', 'refused']],
  state: [['state refused', 'refused']],
  broadcast: [['broadcast lost', 'lost']],
}
