/**
 * Programs that tests need beside Node, as Debian packages them. A test file names what it needs when it is loaded; before the first
 * test runs, what is missing is installed where that is possible (as root, or by sudo that asks for no password), once for a run and
 * outside of every test's time-out. Where it is not possible, one line says what to install, and the tests that need it are skipped, or
 * fail where CI is set. Loaded by `.mocharc.cjs`.
 */
import { spawnSync } from 'node:child_process'
import { skip } from './skip.ts'

/** What a test asks of the system. */
export interface DebianPackage {
  /** As apt names it: `redis-server`. */
  readonly name: string
  /** Whether it is there, also when something else than apt put it there. */
  readonly isThere: () => boolean
}

/** Runs a program; its output is nobody's business unless it fails. */
export type RunCommand = (command: string, args: readonly string[]) => { readonly status: number | null }

/** What {@link installMissing} needs to know of the system. */
export interface SystemFacts {
  readonly isRoot: boolean
  readonly run: RunCommand
  readonly say: (line: string) => void
}

const wanted = new Map<string, DebianPackage>()

/**
 * Says at the top of a test file that its tests need a package.
 * @returns to be called in a test or a `before` hook: skips, or throws where CI is set, when the package is not there
 */
export function needDebianPackage(needed: DebianPackage): (context: Mocha.Context) => void {
  wanted.set(needed.name, needed)
  return (context) => {
    if (needed.isThere()) return
    if (isCi()) throw new Error(`${needed.name} is missing: ${howToInstall([needed])}`)
    skip(context, `needs the Debian package ${needed.name}`)
  }
}

/** True for a program that can be found and run. */
export function isProgram(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0
}

/** Installs what is not there. @returns what is still missing afterwards */
export function installMissing(packages: Iterable<DebianPackage>, facts: SystemFacts): DebianPackage[] {
  const missing = [...packages].filter(({ isThere }) => !isThere())
  if (missing.length === 0) return []
  const names = missing.map(({ name }) => name)
  const sudo = facts.isRoot ? [] : ['sudo', '-n']
  const canInstall =
    facts.run('sh', ['-c', 'command -v apt-get']).status === 0 &&
    (facts.isRoot || facts.run('sudo', ['-n', 'true']).status === 0)
  if (canInstall) {
    const apt = (...args: string[]): boolean => {
      const [command, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args] as const
      return facts.run(command!, rest).status === 0
    }
    const install = (): boolean => apt('install', '-y', '--no-install-recommends', ...names)
    facts.say(`Installing for the tests: ${names.join(' ')}`)
    // The list of packages may be old, or was never fetched.
    if (!install() && apt('update')) install()
  }
  const left = missing.filter(({ isThere }) => !isThere())
  if (left.length > 0) facts.say(howToInstall(left))
  return left
}

function howToInstall(packages: readonly DebianPackage[]): string {
  return `Some tests need programs that are not installed: apt-get install ${packages.map(({ name }) => name).join(' ')}`
}

function isCi(): boolean {
  return !['', '0', 'false'].includes(process.env['CI'] ?? '')
}

/** Mocha calls it once, when all test files are loaded and before the first test. */
export function mochaGlobalSetup(): void {
  installMissing(wanted.values(), {
    isRoot: process.getuid?.() === 0,
    run: (command, args) => spawnSync(command, args, { stdio: 'ignore', timeout: 300_000 }),
    say: (line) => console.log(line),
  })
}
