import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from 'chai'
import type { PlantedEdit } from '../../planted-bugs/planted-bug.ts'
import { useTempFolders } from '../../support/temp-folder.ts'

const script = fileURLToPath(new URL('../../../scripts/build.mjs', import.meta.url))
const file = 'lib/broker/queue.ts'

describe('the build with a planted bug', () => {
  const folder = useTempFolders()

  it('differs from the source in the planted text, and loads', () => {
    const { status, out, errors } = build([
      { file, find: 'durable: true, arguments: {}', replace: 'durable: false, arguments: {}' },
    ])

    assert.equal(status, 0, errors)
    assert.include(readFileSync(join(out, 'lib/broker/queue.js'), 'utf8'), 'durable: false')
    const command = spawnSync(process.execPath, [join(out, 'workers/cli/main.js'), '--version'], { encoding: 'utf8' })
    assert.match(command.stdout, /^\d+\.\d+\.\d+/, command.stderr)
  })

  for (const [how, find, times] of [
    ['is not there', 'no such text stands in this file', 0],
    ['stands there twice', 'queue.exchange.type ===', 2],
  ] as const) {
    it(`is refused when the text to replace ${how}, and leaves nothing behind`, () => {
      const { status, out, errors } = build([{ file, find, replace: '' }])

      assert.equal(status, 1)
      assert.match(errors, new RegExp(`stands ${times} times in lib/broker/queue.ts, not once`))
      assert.isFalse(existsSync(out))
    })
  }

  it('is refused for a bug that nobody has written down', () => {
    const { status, stderr } = spawnSync(process.execPath, [script, '--plant', 'no-such-bug', '--out', folder()], {
      encoding: 'utf8',
    })

    assert.equal(status, 1)
    assert.match(stderr, /There is no bug .*no-such-bug\.mjs/)
  })

  function build(edits: readonly PlantedEdit[]): { status: number | null; out: string; errors: string } {
    const made = folder()
    const bug = join(made, 'bug.mjs')
    writeFileSync(bug, `export default ${JSON.stringify({ description: 'a test', edits })}`)
    const out = join(made, 'out')
    const { status, stderr } = spawnSync(process.execPath, [script, '--plant', bug, '--out', out], { encoding: 'utf8' })
    return { status, out, errors: stderr }
  }
})
