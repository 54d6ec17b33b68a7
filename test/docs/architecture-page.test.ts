// The architecture page names files and folders that exist, and every folder there is.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assert } from 'chai'
import { projectRoot } from '../support/processes.ts'

describe('architecture page', () => {
  for (const page of ['docs/internals/architecture.md', 'docs/internals/lifecycle.md', 'CONTRIBUTING.md']) {
    it(`${page} names files that exist`, () => {
      const text = readFileSync(join(projectRoot, page), 'utf8')
      const named = [...text.matchAll(/\b(?:lib|workers|test|docs|scripts)\/[\w./-]*\w\.(?:ts|md|cjs|mjs)\b/g)].map(
        ([path]) => path,
      )

      assert.isNotEmpty(named)
      assert.deepEqual(
        [...new Set(named)].filter((path) => !existsSync(join(projectRoot, path))),
        [],
      )
    })
  }

  it('shows every folder', () => {
    const text = readFileSync(join(projectRoot, 'docs/internals/architecture.md'), 'utf8')
    const picture = text.match(/```text\n(lib\/[\s\S]*?)```/)?.[1] ?? ''
    const shown = new Set([...picture.matchAll(/([\w-]+)\//g)].map(([, name]) => name))
    const folders = ['lib', 'workers']
      .flatMap((top) => readdirSync(join(projectRoot, top), { recursive: true, encoding: 'utf8' }))
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => dirname(path).split('/'))
      .filter((name) => name !== '.')

    assert.deepEqual(
      [...new Set(folders)].filter((name) => !shown.has(name)),
      [],
    )
  })
})
