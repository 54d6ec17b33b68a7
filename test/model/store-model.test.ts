// Every store against a plain model of what it promises: random sequences of what producers, workers, operators and accidents do to it,
// compared after each step. UMBEL_TEST_FAULTS=long tries twelve times as many; UMBEL_TEST_SEED repeats a run.
import { assert } from 'chai'
import { type Library, loadLibrary } from './library.ts'
import { memoryUnderModel } from './memory-under-model.ts'
import { regressions } from './regressions.ts'
import { replay, type SearchReport, search } from './search.ts'
import { sqliteUnderModel } from './sqlite-under-model.ts'

const isLong = process.env['UMBEL_TEST_FAULTS'] === 'long'
const seed = Number(process.env['UMBEL_TEST_SEED'] ?? Date.now() % 2 ** 31)

/** How often each must have happened in a hundred sequences, about a third of what it does, or the test has gone blind there. */
const leastInHundred: Readonly<Record<string, number>> = {
  declare: 40,
  publish: 100,
  'publish-together': 30,
  claim: 100,
  'claim-together': 50,
  settle: 120,
  'settle-together': 25,
  'settle-stale': 30,
  report: 15,
  renew: 15,
  hang: 25,
  wake: 3,
  lapse: 25,
  crash: 25,
  advance: 80,
  'set-clock': 25,
  look: 25,
  pause: 12,
  resume: 12,
  purge: 12,
  replay: 20,
  drop: 12,
  revoke: 5,
  'done: settled': 400,
  'give-back: settled': 60,
  'park: settled': 20,
  'dead-letter: settled': 20,
  'done: lost': 40,
  'give-back: lost': 40,
  'delivered again': 120,
  'taken back': 80,
  promoted: 40,
  purged: 25,
  refused: 25,
  'follow-ups': 40,
  expired: 20,
  'max-deliveries': 10,
}

describe('a store and the model of what it promises', function () {
  this.timeout(isLong ? 1_800_000 : 240_000)
  let library: Library
  before(async () => {
    library = await loadLibrary()
  })

  for (const { kind, sequences } of [
    { kind: sqliteUnderModel, sequences: 300 },
    { kind: memoryUnderModel, sequences: 500 },
  ]) {
    describe(`in ${kind.name}`, () => {
      let report: SearchReport

      it('agree on every sequence that once showed a bug', async () => {
        for (const { why, steps } of regressions) {
          try {
            await replay(library, kind, steps)
          } catch (cause) {
            throw new Error(`Again: ${why}\n${JSON.stringify(steps)}`, { cause })
          }
        }
      })

      it('agree after every step of random sequences', async () => {
        report = await search({ library, kind, sequences: isLong ? sequences * 12 : sequences, seed, shrinkMs: 30_000 })

        const { failure } = report
        const steps = failure?.steps.map((step) => JSON.stringify(step)).join(',\n')
        assert.isUndefined(
          failure,
          `${failure?.error.stack}\nseed ${seed}, path ${failure?.path}; to be kept in regressions.ts:\n[${steps}]`,
        )
      })

      it('were compared in sequences long enough to reach deep, with every kind of step', () => {
        // A failed search ends early, and says so itself.
        assert.isAtLeast(report.steps / report.sequences, 25, `seed ${seed}`)
        const rare = Object.entries(leastInHundred).filter(
          ([what, least]) => (report.tally.counts.get(what) ?? 0) < (least * report.sequences) / 100,
        )
        assert.deepEqual(rare, [], `seed ${seed}; what was seen: ${JSON.stringify([...report.tally.counts])}`)
      })
    })
  }
})
