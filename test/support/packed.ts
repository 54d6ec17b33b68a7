import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Processes, projectRoot } from './processes.ts'

/** What `npm pack` says of the package. */
export interface Packed {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

/** Packs the built package and installs it in an empty folder, as its users get it. */
export async function installPacked(home: string, processes: Processes): Promise<Packed> {
  const npm = (args: string[], cwd: string) =>
    processes.start('npm', args, { cwd, env: { npm_config_loglevel: 'error' } }).succeeds({ withinMs: 100_000 })
  const pack = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', home], projectRoot)
  const packed = onlyEntry(JSON.parse(pack.stdout) as Packed[] | Record<string, Packed>)
  writeFileSync(join(home, 'package.json'), '{ "name": "home", "private": true, "type": "module" }')
  await npm(
    ['install', `./${packed.filename}`, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'],
    home,
  )
  return packed
}

/** npm 11 prints a list, some versions an object by name. */
function onlyEntry<T>(entries: readonly T[] | Readonly<Record<string, T>>): T {
  const [entry] = Object.values(entries) as T[]
  if (entry === undefined) throw new Error('npm pack packed nothing')
  return entry
}
