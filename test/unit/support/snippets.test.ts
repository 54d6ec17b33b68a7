import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { useProcesses } from '../../support/processes.ts'
import { assertOutput, makeProject, readPage, runPage } from '../../support/snippets.ts'
import { useTempFolders } from '../../support/temp-folder.ts'

describe('programs in documentation', () => {
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  it('are found by their marks, and blocks without one are left alone', () => {
    const page = pageOf(`
\`\`\`ts
// main.ts
console.log(1)
\`\`\`
\`\`\`ts
const justForReading = true
\`\`\`
\`\`\`ts
// main.ts, continued
console.log(2)
\`\`\`
\`\`\`sh
npm install
\`\`\`
\`\`\`sh run
node main.ts
\`\`\`
\`\`\`text output
1
2
\`\`\``)

    assert.deepEqual(
      page.steps.map(({ kind }) => kind),
      ['file', 'file', 'run', 'output'],
    )
    const last = page.steps[1]
    assert.include(last?.kind === 'file' ? last.text : '', 'console.log(1)\n// main.ts, continued\nconsole.log(2)\n')
  })

  it('pass when they print what the page says', async () => {
    await run("// main.ts\nconsole.log('one', Math.random())\nconsole.log('two')", 'one …\ntwo')
  })

  it('fail when they print something else', async () => {
    assert.match(await failureOf(run("// main.ts\nconsole.log('one')", 'two')), /prints something else/)
  })

  it('fail when they end with an error', async () => {
    assert.match(await failureOf(run("// main.ts\nthrow new Error('no')", '')), /ended with exit code 1/)
  })

  it('fail when their types are wrong', async () => {
    assert.match(await failureOf(run("// main.ts\nexport const wrong: number = 'one'", '')), /not assignable/)
  })

  it('are compared line by line, with … for any text', () => {
    assertOutput('a 1 b\nx\ny\nz\n', 'a … b\n…\nz', 'here')

    assert.throws(() => assertOutput('a 1 b', 'a … c', 'here'), /here prints something else/)
    assert.throws(() => assertOutput('a\nb', 'a', 'here'), /here prints something else/)
  })

  function pageOf(text: string) {
    const file = join(tempFolder('page'), 'page.md')
    writeFileSync(file, text)
    return readPage(file)
  }

  async function run(program: string, output: string): Promise<void> {
    const folder = tempFolder('snippets')
    makeProject(folder)
    const page = pageOf(
      `\`\`\`ts\n${program}\n\`\`\`\n\`\`\`sh run\nnpx tsx main.ts\n\`\`\`\n\`\`\`text output\n${output}\n\`\`\``,
    )
    await runPage(page, folder, processes)
  }
})

async function failureOf(running: Promise<void>): Promise<string> {
  return await running.then(
    () => 'it passed',
    (error: unknown) => String(error),
  )
}
