import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Umbel } from 'umbel'
import { openDatabase } from '../../lib/driver/sqlite/sqlite-database.ts'
import { type Command, type OpenSystem, type Place, rowNames, type System } from './system.ts'

const commandLine = fileURLToPath(new URL('../../dist/workers/cli/main.js', import.meta.url))

/** Umbel on its embedded store, as a user has it: the built package, and workers by `umbel worker` with their defaults. */
export const umbelEmbedded: System = {
  name: 'umbel',
  title: 'Umbel, embedded store',
  rows: rowNames,
  async open(place) {
    const path = join(place.folder, 'umbel.db')
    return openUmbel(place, `sqlite:${path}`, path)
  },
}

/** Results that are read at a time. */
const readAtOnce = 1_000

async function openUmbel(place: Place, url: string, path: string): Promise<OpenSystem> {
  const env = { UMBEL_BROKER: url }
  const node = (program: string, job: object): Command => ({
    name: program,
    command: process.execPath,
    args: [place.program(program), JSON.stringify(job)],
    env,
  })
  const app = new Umbel('bench', { broker: url, logLevel: 'error' })
  return {
    producer: (jobs) => node('umbel-produce', jobs),
    worker: () => ({
      name: 'umbel worker',
      command: process.execPath,
      args: [commandLine, '-A', place.program('umbel-app'), 'worker', '-l', 'error'],
      env,
    }),
    wrongResults: (ids) => wrongResults(app, ids),
    async unsettled() {
      const { waiting, scheduled, claimed, dead } = await app.queue('celery').counts()
      if (dead > 0) throw new Error(`${dead} messages became dead letters.`)
      return waiting + scheduled + claimed
    },
    async storedBytes() {
      const database = openDatabase(path, { busyTimeoutMs: 60_000 })
      database.statement('pragma wal_checkpoint(truncate)').all([])
      database.close()
      return statSync(path).size
    },
    close: () => app.close(),
  }
}

async function wrongResults(app: Umbel, ids: readonly string[]): Promise<string[]> {
  const wrong: string[] = []
  for (let from = 0; from < ids.length; from += readAtOnce)
    await Promise.all(
      ids.slice(from, from + readAtOnce).map(async (id, index) => {
        const outcome = await app.result(id).outcome({ timeout: '60s' })
        const i = from + index
        if (outcome.kind !== 'succeeded' || outcome.value !== i + 1)
          wrong.push(`add(${i}, 1), id ${id}: ${JSON.stringify(outcome)}`)
      }),
    )
  return wrong
}
