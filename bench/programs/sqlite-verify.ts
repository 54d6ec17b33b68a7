// Reads every result of the bare statements: node sqlite-verify.mjs '<VerifyJob and path>'
import { readFileSync } from 'node:fs'
import { textOf } from '../../lib/driver/sqlite/sqlite-database.ts'
import type { VerifyJob } from '../messages.ts'
import { job, listen, tell } from './channel.ts'
import { documentOf, openBare } from './sqlite-store.ts'

const { idsFile, count, path } = job<VerifyJob & { path: string }>()
listen(() => {})
const database = openBare(path)
const wrong: string[] = []
let checked = 0
for (const id of readFileSync(idsFile, 'utf8').split('\n').slice(0, count)) {
  checked++
  const row = database.statement('select cast(document as blob) from results where id = ?').all([id])[0]
  if (textOf(row?.[0]) !== documentOf(id, checked)) wrong.push(`id ${id}: ${textOf(row?.[0])}`)
}
const kept = Number(database.statement('select count(*) from results').all([])[0]?.[0])
if (kept !== count) wrong.push(`${count} results were expected and there are ${kept}`)
database.close()
tell({ kind: 'verified', verified: { checked, wrong: wrong.slice(0, 5) } })
