// A search as a process of its own, for builds with a planted bug: UMBEL_TEST_BUILD=<folder> node --import tsx search-in-child.ts
// <sqlite|memory> <sequences> <seed> <ms for shrinking>. Prints one line of JSON.
import { loadLibrary } from './library.ts'
import { memoryUnderModel } from './memory-under-model.ts'
import { search } from './search.ts'
import { sqliteUnderModel } from './sqlite-under-model.ts'

const [name, sequences, seed, shrinkMs] = process.argv.slice(2)
const kind = [sqliteUnderModel, memoryUnderModel].find((one) => one.name === name)
if (kind === undefined) throw new Error(`There is no store ${name}.`)
const report = await search({
  library: await loadLibrary(),
  kind,
  sequences: Number(sequences),
  seed: Number(seed),
  shrinkMs: Number(shrinkMs),
})
const { failure } = report
const line = { sequences: report.sequences, found: failure?.error.message, path: failure?.path, steps: failure?.steps }
process.stdout.write(`${JSON.stringify(line)}\n`, () => process.exit(0))
