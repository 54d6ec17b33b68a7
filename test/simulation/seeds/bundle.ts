import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** One exact edit of a source file, as planted bugs are written. */
export interface Edit {
  /** Path within the project. */
  readonly file: string
  /** Stands there exactly once. */
  readonly find: string
  readonly replace: string
}

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Makes one file of the simulation with the library's sources in it, edited first where bugs are to be planted. */
export async function bundleSimulation(outfile: string, edits: readonly Edit[] = []): Promise<void> {
  const planted = new Map<string, string>()
  for (const { file, find, replace } of edits) {
    const path = join(root, file)
    const text = planted.get(path) ?? (await readFile(path, 'utf8'))
    const found = text.split(find).length - 1
    if (found !== 1) throw new Error(`The text of a planted bug stands ${found} times in ${file}, not once:\n${find}`)
    planted.set(
      path,
      text.replace(find, () => replace),
    )
  }
  await build({
    entryPoints: [join(root, 'test/simulation/seeds/run-seeds.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    // Never reached: no adapter of the library is opened.
    external: ['libsql', 'msgpackr-extract'],
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    plugins: [
      {
        name: 'planted bugs',
        setup(hooks) {
          hooks.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = planted.get(path)
            return contents === undefined ? undefined : { contents, loader: 'ts' }
          })
        },
      },
    ],
  })
}
