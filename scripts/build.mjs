// Compiles lib/ and workers/ into dist/, from scratch, so that no file of an earlier build is ever packed.
// node scripts/build.mjs --plant <name> --out <folder>   compiles a copy with one bug planted in it, to show that the tests find it;
// bugs are files of test/planted-bugs, and `--plant none` compiles the same copy without one. Types are not checked there.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = `${root}node_modules/typescript/bin/tsc`

class BuildFailure extends Error {}

try {
  const { plant, out } = parseArgs({ options: { plant: { type: 'string' }, out: { type: 'string' } } }).values
  if ((plant === undefined) !== (out === undefined)) fail('--plant and --out go together.')
  if (plant === undefined) buildAll()
  else await buildPlanted(plant, resolve(out))
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error
  process.stderr.write(error.message)
  process.exitCode = 1
}

function buildAll() {
  rmSync(`${root}dist`, { recursive: true, force: true })
  compile(`${root}tsconfig.build.json`)
  const command = `${root}dist/workers/cli/main.js`
  if (existsSync(command)) chmodSync(command, 0o755)
}

/** @param {string} name @param {string} folder */
async function buildPlanted(name, folder) {
  const edits = name === 'none' ? [] : await readEdits(name)
  const source = mkdtempSync(join(tmpdir(), 'umbel-planted-'))
  try {
    for (const part of ['lib', 'workers']) cpSync(`${root}${part}`, join(source, part), { recursive: true })
    for (const edit of edits) apply(name, source, edit)
    // Names the module system.
    copyFileSync(`${root}package.json`, join(source, 'package.json'))
    const compilerOptions = { rootDir: '.', outDir: folder, declaration: false, types: [], noCheck: true }
    const config = { extends: `${root}tsconfig.build.json`, compilerOptions, include: ['lib', 'workers'] }
    writeFileSync(join(source, 'tsconfig.json'), JSON.stringify(config))
    mkdirSync(folder, { recursive: true })
    compile(join(source, 'tsconfig.json'))
  } finally {
    rmSync(source, { recursive: true, force: true })
  }
  // So that the copy is loaded as the package is, with what it depends on.
  copyFileSync(`${root}package.json`, join(folder, 'package.json'))
  if (!existsSync(join(folder, 'node_modules'))) symlinkSync(`${root}node_modules`, join(folder, 'node_modules'))
}

/** @param {string} name of test/planted-bugs, or the path of a file like those */
async function readEdits(name) {
  const file = name.endsWith('.mjs') ? resolve(name) : `${root}test/planted-bugs/${name}.mjs`
  if (!existsSync(file)) fail(`There is no bug ${file}.`)
  const { default: bug } = await import(pathToFileURL(file).href)
  return bug.edits
}

/** The text must be there exactly once, or the bug would no longer be the one that was meant. */
function apply(name, source, { file, find, replace }) {
  const path = join(source, file)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const found = text.split(find).length - 1
  if (found !== 1)
    fail(`Cannot plant "${name}": its text stands ${found} times in ${file}, not once. Aim it anew:\n${find}`)
  writeFileSync(
    path,
    text.replace(find, () => replace),
  )
}

/** @param {string} config */
function compile(config) {
  const { status } = spawnSync(process.execPath, [compiler, '-p', config], { stdio: 'inherit' })
  // The compiler has said why. Thrown, so that what was made on the way is removed.
  if (status !== 0) throw new BuildFailure('')
}

function fail(message) {
  throw new BuildFailure(`${message}\n`)
}
