import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin, stop } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = join(root, 'bench/programs')

/**
 * Builds `bench/programs/` as plain JavaScript: under a loader of TypeScript, processes would be measured with its thread and its memory.
 * @returns the file of a program, by its name
 */
export async function buildPrograms(folder: string): Promise<(name: string) => string> {
  await build({
    entryPoints: readdirSync(sources).map((name) => join(sources, name)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [builtPackage],
    logLevel: 'warning',
  })
  await stop()
  return (name) => join(folder, `${name}.mjs`)
}

/** The package as it was built, for its public entries and for the parts of it that programs take from `lib/`. */
const builtPackage: Plugin = {
  name: 'built-package',
  setup(building) {
    building.onResolve({ filter: /^umbel$/ }, () => external('lib/index.js'))
    building.onResolve({ filter: /\/lib\/.*\.ts$/ }, ({ path }) =>
      external(path.replace(/^.*\/lib\//, 'lib/').replace(/\.ts$/, '.js')),
    )
  },
}

function external(path: string): { path: string; external: boolean } {
  return { path: join(root, 'dist', path), external: true }
}
