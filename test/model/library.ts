import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The parts of the library that are under test: from source, or from the build that UMBEL_TEST_BUILD names, which may hold a planted bug.
 * Errors of a build are not instances of the source's classes: compare their `code`.
 */
export async function loadLibrary() {
  const [sqlite, sqliteResults, sqliteState, memory, memoryResults, memoryStore, memoryState] = await Promise.all([
    load<typeof import('../../lib/broker/sqlite/sqlite-broker.ts')>('lib/broker/sqlite/sqlite-broker'),
    load<typeof import('../../lib/result/sqlite/sqlite-result-backend.ts')>('lib/result/sqlite/sqlite-result-backend'),
    load<typeof import('../../lib/state/sqlite-state-store.ts')>('lib/state/sqlite-state-store'),
    load<typeof import('../../lib/broker/memory/memory-broker.ts')>('lib/broker/memory/memory-broker'),
    load<typeof import('../../lib/result/memory/memory-result-backend.ts')>('lib/result/memory/memory-result-backend'),
    load<typeof import('../../lib/result/memory/memory-store.ts')>('lib/result/memory/memory-store'),
    load<typeof import('../../lib/state/memory-state-store.ts')>('lib/state/memory-state-store'),
  ])
  const [lease, admission, revocation, revokedTasks] = await Promise.all([
    load<typeof import('../../lib/broker/sqlite/sqlite-lease.ts')>('lib/broker/sqlite/sqlite-lease'),
    load<typeof import('../../workers/request/admit.ts')>('workers/request/admit'),
    load<typeof import('../../lib/control/revocation.ts')>('lib/control/revocation'),
    load<typeof import('../../workers/presence/revoked-tasks.ts')>('workers/presence/revoked-tasks'),
  ])
  return {
    ...sqlite,
    ...sqliteResults,
    ...sqliteState,
    ...memory,
    ...memoryResults,
    ...memoryStore,
    ...memoryState,
    ...lease,
    ...admission,
    ...revocation,
    ...revokedTasks,
  }
}
export type Library = Awaited<ReturnType<typeof loadLibrary>>

async function load<T>(path: string): Promise<T> {
  const build = process.env['UMBEL_TEST_BUILD']
  const url =
    build === undefined
      ? new URL(`../../${path}.ts`, import.meta.url).href
      : pathToFileURL(resolve(build, `${path}.js`)).href
  return (await import(url)) as T
}
