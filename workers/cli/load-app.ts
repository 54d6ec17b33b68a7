import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Umbel } from '../../lib/app/app.ts'
import { loadModule, locateModule } from '../../lib/app/load-task-modules.ts'
import { LoadFailed } from '../../lib/base/errors.ts'

/** An app and where its module lies. */
export interface LoadedApp {
  readonly app: Umbel
  /** Folder that the app's `imports` count from. */
  readonly base: string
}

/**
 * The app of `-A`: the module's `default`, its `app`, or its only export that is one.
 * @param path path of the module, relative to `cwd`, or a package's name
 * @throws {LoadFailed} when the module can't be loaded, or holds no app, or several
 */
export async function loadApp(path: string, cwd = process.cwd()): Promise<LoadedApp> {
  const url = locateModule(path, cwd)
  const module = await loadModule(url, cwd)
  return { app: appOf(module, path), base: url.startsWith('file:') ? dirname(fileURLToPath(url)) : cwd }
}

/** An app without a module: settings from the environment alone. It knows no tasks. */
export function environmentApp(): LoadedApp {
  return { app: new Umbel('umbel'), base: process.cwd() }
}

/** Picks the app out of a module's exports. Exported for tests. @throws {LoadFailed} */
export function appOf(module: Readonly<Record<string, unknown>>, path: string): Umbel {
  const byDefault = module['default']
  // A CommonJS module's exports stand in its default, whether or not their names were found.
  const exports = isTable(byDefault) && !isApp(byDefault) ? { ...byDefault, ...module } : module
  for (const name of ['default', 'app']) {
    const value = exports[name]
    if (isApp(value)) return value
  }
  const apps = Object.entries(exports).filter((entry): entry is [string, Umbel] => isApp(entry[1]))
  const [only] = apps
  if (only !== undefined && new Set(apps.map(([, app]) => app)).size === 1) return only[1]
  if (apps.length > 1)
    throw new LoadFailed(
      `${path} exports several apps: ${apps.map(([name]) => name).join(', ')}. Export the one to run as \`app\` or as the default.`,
    )
  const names = Object.keys(exports).filter((name) => name !== 'default')
  const found = names.length === 0 ? 'It exports nothing.' : `It exports ${names.slice(0, 10).join(', ')}.`
  throw new LoadFailed(`${path} exports no app. ${found} Write: export const app = new Umbel('shop')`)
}

/** By shape: the project's own copy of the package makes apps of another class than the one whose command line runs. */
function isApp(value: unknown): value is Umbel {
  if (value instanceof Umbel) return true
  if (!isTable(value)) return false
  return (
    ['sendTask', 'broker', 'resultBackend', 'close'].every((name) => typeof value[name] === 'function') &&
    isTable(value['settings'])
  )
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
