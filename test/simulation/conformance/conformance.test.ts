// A simulation over a fake proves something only as far as the fake is like the real thing. The same random commands run on both.
import { assert } from 'chai'
import { Random } from '../virtual-clock/random.ts'
import { fakeCandidate, memoryCandidate, sqliteCandidate, unkindCandidate } from './candidates.ts'
import { randomCommands } from './commands.ts'
import { type Candidate, runCommands } from './run-commands.ts'

const sequences = process.env['UMBEL_TEST_FAULTS'] === 'long' ? 1_000 : 40
const length = 50

describe('the fake broker, beside the real ones', function () {
  this.timeout(1_200_000)

  for (const { name, make, expected, choices } of [
    {
      name: 'memory',
      make: memoryCandidate,
      expected: { canLeave: false, lapsesOnTime: true },
      choices: { promotesLate: false, yieldsDue: false },
    },
    {
      name: 'an embedded store',
      make: sqliteCandidate,
      expected: { canLeave: true, lapsesOnTime: false },
      choices: { promotesLate: true, yieldsDue: true },
    },
  ])
    it(`kind, it does the same as ${name}: ${sequences} sequences of ${length} commands`, async () => {
      let delivered = 0
      for (let sequence = 1; sequence <= sequences; sequence++) {
        const commands = randomCommands(new Random(`conformance ${name} ${sequence}`), length, expected)
        const real = await runCommands(await make(), commands)
        const fake = await runCommands(await fakeCandidate(choices), commands)

        assert.deepEqual(fake, real, `sequence ${sequence}: ${JSON.stringify(commands)}`)
        delivered += real.filter((line) => /^pull: m/.test(line)).length
      }
      // Sequences in which nothing is delivered compare nothing.
      assert.isAbove(delivered, sequences)
    })

  for (const { name, make, lapsesOnTime } of [
    { name: 'memory', make: memoryCandidate, lapsesOnTime: true },
    { name: 'an embedded store', make: sqliteCandidate, lapsesOnTime: false },
  ])
    it(`unkind, it may do what ${name} does, and does other things too`, async () => {
      let others = 0
      for (let sequence = 1; sequence <= sequences / 2; sequence++) {
        const commands = randomCommands(new Random(`unkind ${name} ${sequence}`), 12, { canLeave: false, lapsesOnTime })
        const real = (await runCommands(await make(), commands)).join('\n')
        const seen = new Set<string>()
        for (let seed = 1; seed <= 300 && !seen.has(real); seed++)
          seen.add((await runCommands(await unkindCandidate(`${sequence} ${seed}`, 0.02), commands)).join('\n'))

        assert.isTrue(seen.has(real), `sequence ${sequence} never went as it really does:\n${real}\n\n${[...seen][0]}`)
        others += seen.size - 1
      }
      assert.isAbove(others, 0)
    })

  it('would be told apart if it lost a message', async () => {
    const lossy = async (): Promise<Candidate> => {
      const candidate = await memoryCandidate()
      const { broker } = candidate
      const publish = broker.publish.bind(broker)
      let count = 0
      broker.publish = async (messages) => (++count % 7 === 0 ? undefined : publish(messages))
      return candidate
    }
    const commands = randomCommands(new Random('told apart'), length, { canLeave: false, lapsesOnTime: true })

    assert.notDeepEqual(
      await runCommands(await lossy(), commands),
      await runCommands(await fakeCandidate({ promotesLate: false, yieldsDue: false }), commands),
    )
  })
})
