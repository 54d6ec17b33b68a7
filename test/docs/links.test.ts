// Links between the project's own pages lead somewhere, headings included.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { assert } from 'chai'
import { projectRoot } from '../support/processes.ts'

const pages = readdirSync(projectRoot, { encoding: 'utf8' })
  .concat(
    ['docs', 'examples'].flatMap((folder) =>
      readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    ),
  )
  .filter((name) => name.endsWith('.md'))

describe('links in the documentation', () => {
  it('lead to files and headings that exist', () => {
    const broken: string[] = []
    for (const page of pages) {
      for (const [, target = ''] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        const [path = '', heading] = target.split('#')
        const file = path === '' ? page : normalize(join(dirname(page), path))
        if (!existsSync(join(projectRoot, file))) broken.push(`${page}: ${target}`)
        else if (heading !== undefined && !headings(file).includes(heading))
          broken.push(`${page}: ${target} (no such heading)`)
      }
    }
    assert.deepEqual(broken, [])
  })

  it('reach every page of the documentation from the README', () => {
    const seen = new Set<string>()
    const walk = (page: string): void => {
      if (seen.has(page) || !page.endsWith('.md')) return
      seen.add(page)
      for (const [, target = ''] of prose(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
        const file = normalize(join(dirname(page), target))
        if (existsSync(join(projectRoot, file)) && statSync(join(projectRoot, file)).isDirectory())
          walk(join(file, 'README.md'))
        else if (existsSync(join(projectRoot, file))) walk(file)
      }
    }
    walk('README.md')

    assert.deepEqual(
      pages.filter((page) => !seen.has(page)),
      [],
    )
  })
})

/** A page without its code. */
function prose(page: string): string {
  return readFileSync(join(projectRoot, page), 'utf8')
    .replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')
}

/** A page's headings as GitHub's anchors. */
function headings(page: string): string[] {
  if (statSync(join(projectRoot, page)).isDirectory()) return []
  const text = readFileSync(join(projectRoot, page), 'utf8').replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  )
}
