import { fileURLToPath } from 'node:url'
import { assert } from 'chai'
import { projectRoot, useProcesses } from '../../../support/processes.ts'

describe('surviveStrayErrors', () => {
  const processes = useProcesses()

  it('logs what nobody handled with the task it came from, and the process lives', async () => {
    const script = fileURLToPath(new URL('./stray-errors-process.ts', import.meta.url))

    const child = processes.start(process.execPath, ['--import', 'tsx', script], { cwd: projectRoot })
    await child.succeeds()

    const told = JSON.parse(child.stdout) as { message: string; error: string; id?: string }[]
    assert.deepEqual(
      told.map(({ error, id }) => [error, id]),
      [
        ['a text thrown in b', 'id-2'],
        ['rejected in a', 'id-1'],
        ['rejected outside', undefined],
        ['thrown in a', 'id-1'],
        ['thrown outside', undefined],
      ],
    )
    assert.match(told[3]!.message, /^An uncaught exception in task "a" \(id-1\)\. The worker goes on/)
    assert.match(told[2]!.message, /outside any task/)
  })
})
