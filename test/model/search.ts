import fc from 'fast-check'
import type { Library } from './library.ts'
import { ModelRun, Tally } from './model-run.ts'
import { type Step, stepArbitraries } from './steps.ts'
import type { StoreKind } from './store-under-model.ts'

export interface SearchOptions {
  readonly library: Library
  readonly kind: StoreKind
  /** How many sequences are tried. */
  readonly sequences: number
  readonly seed: number
  /** A failure is made shorter for so long, ms; 0 leaves it as it is. */
  readonly shrinkMs: number
}

export interface SearchReport {
  /** Without those of shrinking. */
  readonly sequences: number
  readonly steps: number
  readonly tally: Tally
  readonly seed: number
  readonly failure: SearchFailure | undefined
}

export interface SearchFailure {
  readonly error: Error
  /** What fast-check needs to make it again, as long as the steps' generators are as they are. */
  readonly path: string
  /** The shortest sequence that was found to fail. */
  readonly steps: readonly Step[]
}

/** Tries random sequences of steps against a store and the model, until one fails. */
export async function search({ library, kind, sequences, seed, shrinkMs }: SearchOptions): Promise<SearchReport> {
  const tally = new Tally()
  const counted = { sequences: 0, steps: 0 }
  let failed: { error: Error; steps: readonly Step[] } | undefined
  let shrinkUntil = Number.POSITIVE_INFINITY
  const trySteps = async (commands: Iterable<fc.AsyncCommand<ModelRun, Step[]>>): Promise<void> => {
    if (performance.now() > shrinkUntil) return // counts as passed, so that shrinking comes to its end
    const done: Step[] = []
    const isShrinking = failed !== undefined
    try {
      const steps = await runSteps({ library, kind, tally: isShrinking ? new Tally() : tally, seed }, async (run) => {
        await fc.asyncModelRun(() => ({ model: run, real: done }), commands)
      })
      if (isShrinking) return
      counted.steps += steps
      counted.sequences++
    } catch (error) {
      if (!isShrinking) shrinkUntil = performance.now() + shrinkMs
      failed = { error: error as Error, steps: done }
      throw error
    }
  }
  const details = await fc.check(
    fc.asyncProperty(
      fc.commands(
        stepArbitraries(kind.traits.cannot).map((step) => step.map((one) => new StepCommand(one))),
        { maxCommands: 60, size: 'max' },
      ),
      trySteps,
    ),
    { seed, numRuns: sequences, endOnFailure: shrinkMs === 0 },
  )
  const path = details.counterexamplePath ?? ''
  return { ...counted, tally, seed, failure: failed === undefined ? undefined : { ...failed, path } }
}

/** Does the steps that mean something, in order, and then what follows every sequence. @throws what a store does wrong */
export async function replay(library: Library, kind: StoreKind, steps: readonly Step[]): Promise<void> {
  await runSteps({ library, kind, tally: new Tally(), seed: 1 }, async (run) => {
    for (const step of steps) if (!kind.traits.cannot.has(step.do) && run.canDo(step)) await run.do(step)
  })
}

interface RunParts {
  readonly library: Library
  readonly kind: StoreKind
  readonly tally: Tally
  readonly seed: number
}

/** How many steps were done. */
async function runSteps(
  { library, kind, tally, seed }: RunParts,
  act: (run: ModelRun) => Promise<void>,
): Promise<number> {
  const restore = seedDice(seed)
  const store = await kind.open(library)
  try {
    const run = await ModelRun.start({ library, store, traits: kind.traits, tally })
    await act(run)
    await run.drain()
    return run.steps
  } finally {
    await store.stop()
    restore()
  }
}

/** The store spreads its looks by chance; the same chance for the same sequence, or it could not be replayed. */
function seedDice(seed: number): () => void {
  const { random } = Math
  let state = seed | 0
  // Mulberry32.
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296
  }
  return () => {
    Math.random = random
  }
}

class StepCommand implements fc.AsyncCommand<ModelRun, Step[]> {
  readonly #step: Step

  constructor(step: Step) {
    this.#step = step
  }

  check(run: Readonly<ModelRun>): boolean {
    return run.canDo(this.#step)
  }

  async run(run: ModelRun, done: Step[]): Promise<void> {
    done.push(this.#step)
    await run.do(this.#step)
  }

  toString(): string {
    return JSON.stringify(this.#step)
  }
}
