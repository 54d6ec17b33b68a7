import type { Step } from './steps.ts'

/**
 * Sequences that once showed a bug, planted ones among them; each is done to every store in every run. A sequence stands here whole,
 * since a seed means another one as soon as a generator changes; `seed` and `path` say where it came from.
 */
export interface Regression {
  readonly why: string
  readonly seed: number
  readonly path: string
  readonly steps: readonly Step[]
}

export const regressions: readonly Regression[] = []
