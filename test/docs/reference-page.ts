import { readFileSync, writeFileSync } from 'node:fs'
import { assert } from 'chai'

const begin = '<!-- made from the code: npx mocha test/docs with UMBEL_TEST_WRITE_DOCS=1 -->'
const end = '<!-- end -->'

/**
 * Asserts that what a reference page says between its two marks is what the code says. With `UMBEL_TEST_WRITE_DOCS=1` in the environment
 * the page is written instead; what stands outside of the marks is for people to write.
 */
export function assertPage(path: string, fromCode: string): void {
  const page = readFileSync(path, 'utf8')
  const [before, rest = ''] = page.split(begin)
  const after = rest.split(end)[1]
  assert.isDefined(after, `${path} lacks the marks ${begin} and ${end}`)
  const right = `${before}${begin}\n\n${fromCode.trim()}\n\n${end}${after}`
  if (process.env['UMBEL_TEST_WRITE_DOCS'] === '1') writeFileSync(path, right)
  else assert.equal(page, right, `${path} is not what the code says; write it anew with UMBEL_TEST_WRITE_DOCS=1`)
}

/** A Markdown table. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replace(/\s+/g, ' ')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Code in a table's cell. */
export function code(text: string): string {
  return `\`${text}\``
}
