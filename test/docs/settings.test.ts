import { readFileSync } from 'node:fs'
import { assert } from 'chai'
import { type SettingRow, settingAliases, settingsTable } from '../../lib/app/settings-table.ts'
import { assertPage, code, table } from './reference-page.ts'

interface Documented {
  readonly text: string
  readonly byDefault: string | undefined
}

/** What the comments of the type `Settings` say, by setting. */
function comments(): Map<string, Documented> {
  const source = readFileSync('lib/app/config.ts', 'utf8')
  const body = source.slice(
    source.indexOf('export interface Settings {'),
    source.indexOf('\n}\n', source.indexOf('export interface Settings {')),
  )
  return new Map(
    [...body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n {2}(\w+)\?:/g)].map(([, comment = '', name = '']) => {
      const plain = comment
        .replace(/\n\s*\*/g, ' ')
        .replace(/\s+/g, ' ')
        .trim()
      const [text = '', byDefault] = plain.split(' @default ')
      return [name, { text, byDefault }]
    }),
  )
}

const rows = [...settingsTable.values()]
const supported = rows.filter((row) => row.status === 'supported')

describe('docs/reference/settings.md', () => {
  it('the type and the table have the same settings', () => {
    assert.sameMembers([...comments().keys()], [...supported.map(({ name }) => name), ...Object.keys(settingAliases)])
  })

  it('the defaults in the comments are the defaults', () => {
    for (const { name, default: byDefault } of supported)
      assert.equal(comments().get(name)?.byDefault, JSON.stringify(byDefault), name)
  })

  it('lists every setting as the code has it', () => {
    assertPage('docs/reference/settings.md', settingsPage())
  })
})

function settingsPage(): string {
  const documented = comments()
  const groups = [...new Set(supported.map(({ group }) => group))].map((group) => {
    const own = supported.filter((row) => row.group === group)
    return `## ${group}\n\n${table(
      ['Setting', 'Values', 'Default', 'Meaning'],
      own.map((row) => [
        `${code(row.name)}${aliasOf(row)}`,
        row.kind!.says,
        row.name === 'brokerUrl' || row.name === 'resultBackend' ? '' : code(JSON.stringify(row.default)),
        `${documented.get(row.name)!.text}${row.celery === undefined ? ' *Not in Celery.*' : ''}`,
      ]),
    )}`
  })
  return [...groups, refused('later', 'Not supported yet'), refused('none', 'Without a meaning here')].join('\n\n')
}

function aliasOf({ name }: SettingRow): string {
  const short = Object.keys(settingAliases).find((alias) => settingAliases[alias] === name)
  return short === undefined ? '' : `, ${code(short)}`
}

function refused(status: 'later' | 'none', heading: string): string {
  const reasons = new Map<string, string[]>()
  for (const { name, reason } of rows.filter((row) => row.status === status))
    reasons.set(reason!, [...(reasons.get(reason!) ?? []), code(name)])
  return `## ${heading}\n\n${table(
    ['Settings', 'Why'],
    [...reasons].map(([reason, names]) => [names.join(' '), reason]),
  )}`
}
