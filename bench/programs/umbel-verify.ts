// Reads every result, and says which are wrong: node umbel-verify.mjs '<VerifyJob>'
import { readFileSync } from 'node:fs'
import { Umbel } from 'umbel'
import type { VerifyJob } from '../messages.ts'
import { job, listen, tell } from './channel.ts'

const { idsFile, count } = job<VerifyJob>()
listen(() => {})
const app = new Umbel('bench', { logLevel: 'error' })
const ids = readFileSync(idsFile, 'utf8').split('\n').slice(0, -1)
const wrong: string[] = []
if (ids.length < count || new Set(ids).size !== ids.length)
  wrong.push(`${count} different ids were expected, and there are ${new Set(ids).size} among ${ids.length}`)

for (let from = 0; from < count; from += 1_000)
  await Promise.all(ids.slice(from, Math.min(from + 1_000, count)).map((id, index) => check(id, from + index)))
await app.close()
tell({ kind: 'verified', verified: { checked: Math.min(count, ids.length), wrong: wrong.slice(0, 5) } })

async function check(id: string, i: number): Promise<void> {
  const outcome = await app.result(id).outcome({ timeout: '60s' })
  if (outcome.kind !== 'succeeded' || outcome.value !== i + 1)
    wrong.push(`add(${i}, 1), id ${id}: ${JSON.stringify(outcome)}`)
}
