// A search as a process of its own, for builds with a planted bug: UMBEL_TEST_BUILD=<folder> node --import tsx search-in-child.ts
// <name of the bug> <sqlite|memory> <sequences> <seed> <ms for shrinking>. Prints one line of JSON: what the search found, and whether
// the sequence that is kept for the bug finds it.
import { loadLibrary } from './library.ts'
import { memoryUnderModel } from './memory-under-model.ts'
import { regressions } from './regressions.ts'
import { replay, search } from './search.ts'
import { sqliteUnderModel } from './sqlite-under-model.ts'

const [bug, name, sequences, seed, shrinkMs] = process.argv.slice(2)
const kind = [sqliteUnderModel, memoryUnderModel].find((one) => one.name === name)
if (kind === undefined) throw new Error(`There is no store ${name}.`)
const library = await loadLibrary()
const report = await search({
  library,
  kind,
  sequences: Number(sequences),
  seed: Number(seed),
  shrinkMs: Number(shrinkMs),
})
const { failure } = report
const kept = regressions.filter(({ planted }) => planted === bug)
const caught: boolean[] = []
for (const { steps } of kept) caught.push(await fails(() => replay(library, kind, steps)))
const line = {
  isKeptFinding: caught.length > 0 && caught.every(Boolean),
  sequences: report.sequences,
  found: failure?.error.message,
  path: failure?.path,
  steps: failure?.steps,
}
process.stdout.write(`${JSON.stringify(line)}\n`, () => process.exit(0))

async function fails(act: () => Promise<void>): Promise<boolean> {
  try {
    await act()
    return false
  } catch {
    return true
  }
}
