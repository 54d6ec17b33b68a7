// The design of docs/internals/architecture.md, kept true: which folder may import which, no cycles, small files, time through Clock only,
// and a package that loads and installs next to nothing. Reads source files alone, so it needs no build.
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, dirname, join, normalize } from 'node:path'
import { assert } from 'chai'

/**
 * Folders in dependency order, and what each may import; a folder may always import itself. Type imports count.
 * Adding a line, or a folder to a line, is a design decision: say why in docs/decisions.
 */
const layers: Readonly<Record<string, readonly string[]>> = {
  'lib/base': [],
  'lib/driver': ['lib/base'],
  'lib/message': ['lib/base'],
  'lib/schedule': ['lib/base'],
  'lib/result': ['lib/base', 'lib/driver', 'lib/message'],
  'lib/broker': ['lib/base', 'lib/driver', 'lib/message', 'lib/result'],
  'lib/hook': ['lib/base', 'lib/message', 'lib/broker'],
  'lib/state': ['lib/base', 'lib/driver'],
  'lib/event': ['lib/base', 'lib/message', 'lib/broker'],
  'lib/control': ['lib/base', 'lib/message', 'lib/broker', 'lib/state'],
  'lib/publish': ['lib/base', 'lib/message', 'lib/broker', 'lib/result', 'lib/hook', 'lib/event'],
  'lib/canvas': ['lib/base', 'lib/message', 'lib/result', 'lib/publish'],
  'lib/task': ['lib/base', 'lib/message', 'lib/result', 'lib/publish', 'lib/canvas'],
  'lib/run': [
    'lib/base',
    'lib/message',
    'lib/result',
    'lib/broker',
    'lib/hook',
    'lib/publish',
    'lib/canvas',
    'lib/task',
  ],
  'lib/app': ['lib/*'],
  'lib/testing': ['lib/*'],
  'workers/pool': ['lib/*'],
  'workers/request': ['lib/*', 'workers/pool'],
  'workers/consume': ['lib/*', 'workers/request'],
  'workers/presence': ['lib/*'],
  'workers/process': ['lib/base'],
  'workers/beat': ['lib/*'],
  'workers/testing': ['lib/*', 'workers/worker.ts'],
  'workers/cli': ['lib/*', 'workers/*'],
}

/** Files that put the parts together. Nothing but the other roots, the command line and the testing kit imports them. */
const roots = ['lib/index.ts', 'workers/worker.ts', 'workers/worker-options.ts']
const startsWorkers = ['workers/cli', 'workers/testing']
/** The public surface: the only files that may re-export. */
const surfaces = ['lib/index.ts', 'workers/testing/index.ts']

/** Who may read clocks and set timers, and why. Everything else is given a `Clock` by its caller. */
const timekeepers: Readonly<Record<string, string>> = {
  'lib/base/clock.ts': 'is the Clock',
  'lib/testing/real-time.ts': 'bounds, in reality, what a test on a fake clock may take',
  'lib/driver/sqlite/machine-time.ts': 'leases are counted by the machine’s own clock, which all its processes share',
}
/** Who may roll dice; files, or folders with all that is in them. Everything else is given a source of random numbers. */
const dicers: Readonly<Record<string, string>> = {
  'lib/base/backoff.ts': 'the default source of its jitter',
  'lib/app/app.ts': 'gives the parts the real one',
  'lib/driver/sqlite/': 'spreads the turns of several processes over time',
  'lib/broker/sqlite/': 'the same',
}

interface SourceFile {
  readonly path: string
  /** Without comments. */
  readonly code: string
  readonly lines: number
}

interface Import {
  readonly specifier: string
  /** The project's file, where the specifier is relative. */
  readonly target: string | undefined
  /** `import type` and `export type`: gone at run time. */
  readonly isTypeOnly: boolean
  /** `import()`: loaded when it is reached. */
  readonly isDynamic: boolean
}

const sources: ReadonlyMap<string, SourceFile> = new Map(
  ['lib', 'workers']
    .flatMap((top) => readdirSync(top, { recursive: true, encoding: 'utf8' }).map((name) => join(top, name)))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => [path, read(path)]),
)

describe('architecture', () => {
  it('has sources to check', () => {
    assert.isAbove(sources.size, 20)
  })

  it('imports go down the layers only', () => {
    const wrong: string[] = []
    for (const file of sources.values()) {
      if (roots.includes(file.path)) continue
      const folder = folderOf(file.path)
      if (layers[folder] === undefined) wrong.push(`${file.path} is in a folder that the layers don't know`)
      const allowed = [folder, ...(layers[folder] ?? [])]
      for (const { target } of importsOf(file)) {
        if (target === undefined) continue
        const isBelow = allowed.some(
          (one) => one === folderOf(target) || (one.endsWith('/*') && target.startsWith(one.slice(0, -1))),
        )
        if (!sources.has(target)) wrong.push(`${file.path} imports ${target}, which does not exist`)
        else if (!isBelow) wrong.push(`${file.path} may not import ${target}`)
        else if (roots.includes(target) && !startsWorkers.includes(folder))
          wrong.push(`${file.path} may not import ${target}: it composes`)
      }
    }
    assert.deepEqual(wrong, [])
  })

  it('has no import cycles', () => {
    const done = new Set<string>()
    const walk = (path: string, trail: readonly string[]): void => {
      assert.notInclude(trail, path, `cycle: ${[...trail, path].join(' → ')}`)
      if (done.has(path)) return
      const file = sources.get(path)
      if (file === undefined) return
      for (const { target } of importsOf(file)) if (target !== undefined) walk(target, [...trail, path])
      done.add(path)
    }
    for (const path of sources.keys()) walk(path, [])
  })

  it('keeps files short and named after what they hold', () => {
    for (const { path, lines } of sources.values()) {
      assert.isAtMost(lines, 400, `${path} is over 400 lines`)
      assert.match(basename(path), /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/, `${path} is not in kebab-case`)
      assert.notMatch(
        basename(path),
        /^(utils?|helpers?|common|types|interfaces|constants|misc|shared)\.ts$/,
        `${path} is named after nothing`,
      )
    }
  })

  it('re-exports from the public surface only', () => {
    for (const { path, code } of sources.values()) {
      if (surfaces.includes(path)) continue
      assert.notMatch(code, /^export (type )?(\*|\{[^}]*\}) (as \w+ )?from /m, `${path} re-exports`)
    }
  })

  it('reads clocks, sets timers and rolls dice in named places only', () => {
    const telling =
      /\b(Date\.now\(|new Date\(\)|performance\.now\(|setTimeout\(|setInterval\(|process\.hrtime|timers\/promises)/
    const wrong: string[] = []
    for (const { path, code } of sources.values()) {
      const found = code.match(telling)?.[1]
      if (found !== undefined && timekeepers[path] === undefined)
        wrong.push(`${path} uses ${found}: take a Clock instead`)
      const mayRoll = Object.keys(dicers).some((place) => path.startsWith(place))
      if (code.includes('Math.random') && !mayRoll)
        wrong.push(`${path} uses Math.random: take a source of numbers instead`)
    }
    for (const place of [...Object.keys(timekeepers), ...Object.keys(dicers)]) {
      if (![...sources.keys()].some((path) => path.startsWith(place)))
        wrong.push(`${place} is excused and does not exist`)
    }
    assert.deepEqual(wrong, [])
  })

  it('has no top-level await, so that require() can load it', () => {
    for (const { path, code } of sources.values()) {
      // The command and the entries of threads are never required.
      if (path.startsWith('workers/cli/') || path.endsWith('-thread.ts')) continue
      assert.notMatch(code, /^(?!.*\basync\b)\S.*\bawait\b/m, `${path} awaits at its top level`)
    }
  })

  it('never evaluates text as code', () => {
    for (const { path, code } of sources.values()) assert.notMatch(code, /\beval\(|new Function\(/, path)
  })

  it('leaves nothing for later in comments', () => {
    for (const path of sources.keys()) assert.notMatch(readFileSync(path, 'utf8'), /\b(TODO|FIXME|XXX|HACK)\b/, path)
  })
})

describe('what importing the library loads', () => {
  const clients = [
    'net',
    'tls',
    'http',
    'http2',
    'https',
    'dgram',
    'child_process',
    'worker_threads',
    'cluster',
    'sqlite',
  ]

  for (const entry of surfaces) {
    it(`${entry} reaches no package and no client module of Node without being asked`, () => {
      if (!sources.has(entry)) return
      const seen = new Set<string>()
      const walk = (path: string): void => {
        if (seen.has(path)) return
        seen.add(path)
        for (const { specifier, target, isTypeOnly, isDynamic } of importsOf(sources.get(path) as SourceFile)) {
          if (isTypeOnly || isDynamic) continue
          if (target !== undefined) {
            walk(target)
            continue
          }
          const builtin = specifier.replace(/^node:/, '')
          assert.isTrue(
            specifier.startsWith('node:') && builtinModules.includes(builtin),
            `${path} loads ${specifier} when it is imported`,
          )
          assert.notInclude(clients, builtin, `${path} loads ${specifier} when it is imported`)
        }
      }
      walk(entry)
    })
  }
})

describe('what installing the package brings', () => {
  interface Locked {
    readonly dev?: boolean
    readonly optional?: boolean
    readonly hasInstallScript?: boolean
  }
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> }
  const installed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)

  it('needs fewer than ten packages, all of the tree counted', () => {
    const needed = installed.filter(([, { optional }]) => optional !== true).map(([path]) => path)

    assert.isAtMost(needed.length, 9, needed.join(', '))
  })

  it('needs no install script of any package', () => {
    // msgpackr-extract is an optional accelerator of msgpackr, prebuilt or left out: both work without its script.
    const excused = ['node_modules/msgpackr-extract']

    const scripted = installed.filter(
      ([path, locked]) => locked.hasInstallScript === true && !(locked.optional === true && excused.includes(path)),
    )

    assert.deepEqual(
      scripted.map(([path]) => path),
      [],
    )
  })

  it('has no install script of its own, and declares exact versions', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>

    assert.notInclude(Object.keys(manifest['scripts'] ?? {}).join(' '), 'install')
    for (const [name, version] of Object.entries({
      ...manifest['dependencies'],
      ...manifest['optionalDependencies'],
    })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name)
    }
  })
})

function read(path: string): SourceFile {
  const text = readFileSync(path, 'utf8')
  const code = text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1')
  return { path, code, lines: text.trimEnd().split('\n').length }
}

function folderOf(path: string): string {
  return path.split('/').slice(0, 2).join('/')
}

function importsOf(file: SourceFile): Import[] {
  const statements = file.code.matchAll(/^(?:import|export)\b([^'"`;]*?\bfrom\s*)?\s*'([^']+)'/gm)
  // Not what stands in a text, such as an example in a message.
  const calls = file.code.matchAll(/^[^"'`\n]*\bimport\(\s*'([^']+)'/gm)
  return [
    ...[...statements].map((match) =>
      importOf(file, match[2] ?? '', { isTypeOnly: isTypeOnly(match[1] ?? ''), isDynamic: false }),
    ),
    ...[...calls].map((match) => importOf(file, match[1] ?? '', { isTypeOnly: false, isDynamic: true })),
  ]
}

/** `import type …` and `export type …`. Braces in which every name is a type still load the module. */
function isTypeOnly(clause: string): boolean {
  return /^\s*type\b(?!\s*(,|from))/.test(clause)
}

function importOf(file: SourceFile, specifier: string, how: Pick<Import, 'isTypeOnly' | 'isDynamic'>): Import {
  const isRelative = specifier.startsWith('.')
  return { specifier, target: isRelative ? normalize(join(dirname(file.path), specifier)) : undefined, ...how }
}
