// The programs in the documentation, run as a reader would run them. How a page marks them is told in test/support/snippets.ts.
import { cpSync, existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assert } from 'chai'
import { builtCommand, projectRoot, useProcesses } from '../support/processes.ts'
import { makeProject, readPage, runPage } from '../support/snippets.ts'
import { useTempFolders } from '../support/temp-folder.ts'

const pages = ['README.md', ...markdownIn('docs'), ...markdownIn('examples')]

describe('documentation', () => {
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  before(() => void builtCommand())

  for (const page of pages.map(readPage)) {
    if (page.steps.length === 0) continue
    it(`the programs of ${page.path} run`, async function () {
      this.timeout(120_000)
      const folder = tempFolder('snippets')
      makeProject(folder)
      // An example's own files are its page's project.
      if (page.path.startsWith('examples/'))
        cpSync(join(projectRoot, dirname(page.path)), join(folder, dirname(page.path)), { recursive: true })

      await runPage(page, folder, processes)
    })
  }

  it('has programs in the README and in every guide', () => {
    const withPrograms = pages.filter((path) =>
      readPage(path).steps.some((step) => step.kind === 'run' || step.kind === 'file'),
    )

    for (const path of pages.filter((each) => each === 'README.md' || each.startsWith('docs/guides/'))) {
      assert.include(withPrograms, path, `${path} has no program that runs`)
    }
  })
})

function markdownIn(folder: string): string[] {
  if (!existsSync(join(projectRoot, folder))) return []
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
    .sort()
}
