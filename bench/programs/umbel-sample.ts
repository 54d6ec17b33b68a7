import { rmSync } from 'node:fs'
import { sharedTask, Umbel } from 'umbel'
import { openDatabase, textOf } from '../../lib/driver/sqlite/sqlite-database.ts'

/** @returns an envelope as Umbel stores it for `add(123456, 1)`, with another id. @param path where a store may be made meanwhile */
export async function sampleEnvelope(path: string): Promise<(id: string) => string> {
  const app = new Umbel('bench', { broker: `sqlite:${path}`, logLevel: 'error' })
  const add = sharedTask('bench.add', (x: number, y: number): number => x + y)
  const { id: sampleId } = await add.delay(123_456, 1)
  const database = openDatabase(path, { busyTimeoutMs: 60_000 })
  const envelope = textOf(database.statement('select cast(envelope as blob) from messages').all([])[0]?.[0])
  database.close()
  await app.close()
  for (const suffix of ['', '-wal', '-shm', '-wake']) rmSync(`${path}${suffix}`, { force: true })
  const parts = envelope.split(sampleId)
  return (id) => parts.join(id)
}
