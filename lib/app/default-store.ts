import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The store that is used when no broker is named: `.umbel/umbel.db` beside the nearest package.json, so that every process of a project
 * meets in one file, whatever folder it was started in; without a package.json, in the folder itself.
 * @param folder where to look first, then in each folder above it
 * @returns an absolute `sqlite:` URL
 */
export function defaultStoreUrl(folder: string): string {
  return sqliteUrl(join(projectFolder(folder), '.umbel', 'umbel.db'))
}

/** The URL of a store file. */
export function sqliteUrl(path: string): string {
  return pathToFileURL(resolve(path)).href.replace(/^file:/, 'sqlite:')
}

function projectFolder(start: string): string {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (dirname(folder) === folder) return resolve(start)
  }
}
