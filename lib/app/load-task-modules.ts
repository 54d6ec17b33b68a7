import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { LoadFailed } from '../base/errors.ts'

/** A module that defines tasks: a function that imports it, or its path (or package name) as text. */
export type TaskImport = string | (() => unknown)

/**
 * Imports the user's task modules one after the other, so that their tasks register.
 * @param imports functions, or texts: paths relative to `base`, else package names
 * @param base folder that relative paths count from: that of the module named by `-A`
 * @throws {LoadFailed} naming the module, with its own error as the cause
 */
export async function loadTaskModules(imports: readonly TaskImport[], base: string): Promise<void> {
  for (const [index, item] of imports.entries()) {
    if (typeof item === 'string') await loadModule(item, base)
    else await callImport(item, index)
  }
}

async function callImport(load: () => unknown, index: number): Promise<void> {
  try {
    await load()
  } catch (cause) {
    if (cause instanceof LoadFailed) throw cause
    const source = load.toString().replace(/\s+/g, ' ').slice(0, 100)
    throw new LoadFailed(`Could not load imports[${index}] (${source}): ${reasonOf(cause)}${adviceFor(cause)}`, {
      cause,
    })
  }
}

/**
 * Imports one module: JavaScript, CommonJS or ES; TypeScript where this Node strips types or the project has `tsx` installed.
 * @param name a path (absolute, `file:` URL, or relative to `base`), else a package name, found from `base`
 * @returns the module's exports
 * @throws {LoadFailed}
 */
export async function loadModule(name: string, base: string): Promise<Record<string, unknown>> {
  const url = locateModule(name, base)
  try {
    if (isTypeScript(url)) await enableTypeScript(url, base)
    return (await import(url)) as Record<string, unknown>
  } catch (cause) {
    if (cause instanceof LoadFailed) throw cause
    throw new LoadFailed(`Could not load ${shownModule(url)}: ${reasonOf(cause)}${adviceFor(cause)}`, { cause })
  }
}

/**
 * The `file:` URL of a module.
 * @param name a path (absolute, `file:` URL, or relative to `base`), else a package name, found from `base`
 * @throws {LoadFailed}
 */
export function locateModule(name: string, base: string): string {
  if (name.startsWith('file:')) return name
  const path = isAbsolute(name) ? name : resolve(base, name)
  if (existsSync(path) && !isBareName(name)) return pathToFileURL(path).href
  try {
    return pathToFileURL(createRequire(resolve(base, 'noop.js')).resolve(isBareName(name) ? name : path)).href
  } catch (cause) {
    // A bare name may also be a file beside the app, as in `-A app.ts`.
    if (existsSync(path)) return pathToFileURL(path).href
    const sibling = siblingOf(path)
    const hint = sibling === undefined ? `Paths are relative to ${base}.` : `Did you mean ${sibling}?`
    throw new LoadFailed(`Could not find module ${JSON.stringify(name)} (looked for ${path}). ${hint}`, { cause })
  }
}

function isBareName(name: string): boolean {
  return !name.startsWith('.') && !isAbsolute(name)
}

/** The same module under the extension it really has. */
function siblingOf(path: string): string | undefined {
  const stem = path.replace(/\.[cm]?[jt]s$/, '')
  return ['.ts', '.js', '.mts', '.mjs', '.cts', '.cjs', '/index.ts', '/index.js']
    .map((ending) => stem + ending)
    .find((file) => existsSync(file))
}

function isTypeScript(url: string): boolean {
  return /\.[cm]?ts$/.test(url)
}

async function enableTypeScript(url: string, base: string): Promise<void> {
  if (stripsTypes() || isTsxActive()) return
  if (await loadTsx([fileURLToPath(url), resolve(base, 'noop.js'), resolve('noop.js')])) return
  throw new LoadFailed(
    `Could not load ${fileURLToPath(url)}: Node ${process.versions.node} does not run TypeScript by itself. ${howToRunTypeScript}`,
  )
}

const howToRunTypeScript =
  'Install tsx in the project (npm install --save-dev tsx), use Node 22.18 or later, or compile to JavaScript first.'

/** Node 22.18 and 23.6 on strip types without being asked; earlier ones under a flag. */
function stripsTypes(): boolean {
  return Boolean((process.features as { typescript?: string | false }).typescript)
}

// On globalThis, since module hooks are the process's: a second registration would run every module through two of them.
const tsxKey = Symbol.for('umbel.tsx')
const holder = globalThis as { [tsxKey]?: boolean }

/** Under `node --import tsx` and `npx tsx`, or registered before by us. */
function isTsxActive(): boolean {
  const flags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
  return holder[tsxKey] === true || /(^|[\s=/\\])tsx([\s/\\]|$)/.test(flags)
}

/** Loads the first tsx that is installed near one of the files, which registers it; false when none is. */
async function loadTsx(froms: readonly string[]): Promise<boolean> {
  for (const from of froms) {
    let loader: string
    try {
      loader = createRequire(from).resolve('tsx')
    } catch {
      continue // not installed there; the next folder is asked
    }
    holder[tsxKey] = true
    await import(pathToFileURL(loader).href)
    return true
  }
  return false
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return `it threw ${String(cause).slice(0, 200)}.`
  const [first = '', second] = cause.message.split('\n')
  // Compilers put the place into the second line; Node says none for a syntax error of its own.
  const place = first.endsWith(':') && second !== undefined ? ` ${second.trim()}` : ''
  const doubt =
    cause.name === 'SyntaxError' && !/\d+:\d+/.test(cause.message) ? ' (in it, or in a module that it imports)' : ''
  const message = `${first}${place}`.slice(0, 500) + doubt
  return `${cause.name}: ${message}${/[.?!]$/.test(message) ? '' : '.'}`
}

function adviceFor(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code
  const text = cause instanceof Error ? cause.message : ''
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return ` ${howToRunTypeScript}`
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return ' This syntax needs a compiler: install tsx and start with node --import tsx.'
  const missing = /Cannot find module '([^']+)'/.exec(text)?.[1]
  if (code === 'ERR_MODULE_NOT_FOUND' && missing?.endsWith('.js') && existsSync(missing.replace(/\.js$/, '.ts')))
    return ' The file there ends in .ts: Node imports it by that name only.'
  if (code === 'ERR_MODULE_NOT_FOUND') return ' Is it installed, and spelt as its file is?'
  return ''
}

function shownModule(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url
}
