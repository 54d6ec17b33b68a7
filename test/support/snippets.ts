import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { assert } from 'chai'
import { type Processes, projectRoot, type StartedProcess } from './processes.ts'

/**
 * The programs of one page of documentation. The convention, which costs a reader nothing:
 * - A `ts` block whose first line is a comment with a file name, `// tasks.ts`, is that file. `// tasks.ts, continued` adds to it.
 *   All files of a page make one project; a file that is given again replaces the earlier one from there on.
 * - A `sh` block with `run` behind the language is run, all its lines as one script, and must succeed.
 *   `run background until="text"` leaves it running until the page ends, and goes on when it has printed the text; the same command
 *   a second time ends the first one before.
 *   `run fails` expects a failure.
 * - A `text` block with `output` behind the language is what the run before it printed; `…` stands for any text.
 * Every other block is only for reading.
 */
export interface Page {
  readonly path: string
  readonly steps: readonly Step[]
}

export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string; readonly line: number }
  | { readonly kind: 'run'; readonly script: string; readonly fails: boolean; readonly line: number }
  | { readonly kind: 'background'; readonly script: string; readonly until: string; readonly line: number }
  | { readonly kind: 'output'; readonly text: string; readonly line: number }

/** Finds the programs in a page of Markdown. @param path from the project's folder */
export function readPage(path: string): Page {
  const text = readFileSync(resolve(projectRoot, path), 'utf8')
  const steps: Step[] = []
  for (const block of text.matchAll(/^( *)```(\w+)([^\n]*)\n([\s\S]*?)^ *```$/gm)) {
    const [, indent = '', language = '', words = '', raw = ''] = block
    const body = raw.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    const line = text.slice(0, block.index).split('\n').length
    const step = stepOf({ language, words: words.trim(), body, line })
    if (step?.kind === 'file' && / continued$/.test(step.name)) {
      const name = step.name.replace(/,? continued$/, '')
      const before = steps.findLast((each) => each.kind === 'file' && each.name === name)
      if (before?.kind !== 'file') throw new Error(`${path}:${line} continues ${name}, which the page has not begun`)
      steps.push({ ...step, name, text: `${before.text}${step.text}` })
    } else if (step !== undefined) steps.push(step)
  }
  return { path, steps }
}

function stepOf(block: { language: string; words: string; body: string; line: number }): Step | undefined {
  const { language, words, body, line } = block
  if (/^(ts|js|mts|cts|mjs|cjs|json|py)$/.test(language)) {
    const name = body.match(/^(?:\/\/|#) ([\w./-]+\.(?:[mc]?[tj]s|json|py)(?:, continued)?)\n/)?.[1]
    return name === undefined
      ? undefined
      : { kind: 'file', name, text: language === 'json' ? body.replace(/^.*\n/, '') : body, line }
  }
  if (language === 'sh' && /^run\b/.test(words)) {
    const until = words.match(/\bbackground until="([^"]+)"/)?.[1]
    if (until !== undefined) return { kind: 'background', script: body.trim(), until, line }
    return { kind: 'run', script: body.trim(), fails: /\bfails\b/.test(words), line }
  }
  if (language === 'text' && words === 'output') return { kind: 'output', text: body, line }
  return undefined
}

/** Makes an empty project that has the built package and tsx installed. */
export function makeProject(folder: string): void {
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "snippets", "private": true, "type": "module" }\n')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(strictest, null, 2))
  symlinkSync(projectRoot, join(folder, 'node_modules/umbel'))
  symlinkSync(join(projectRoot, 'dist/workers/cli/main.js'), join(folder, 'node_modules/.bin/umbel'))
  for (const name of ['tsx', 'typescript', '@types', 'zod', 'undici-types', ...testRunners]) {
    symlinkSync(join(projectRoot, 'node_modules', name), join(folder, 'node_modules', name))
  }
  for (const name of ['tsx', 'tsc', 'mocha', 'vitest']) {
    symlinkSync(join(projectRoot, 'node_modules/.bin', name), join(folder, 'node_modules/.bin', name))
  }
}

/** With what they need to be imported. */
const testRunners = ['mocha', 'vitest', 'jest', '@jest']

const strictest = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    noEmit: true,
  },
  include: ['**/*.ts'],
}

/** Carries out a page in a folder made by {@link makeProject}, and compares what it prints. */
export async function runPage(page: Page, folder: string, processes: Processes): Promise<void> {
  let last: StartedProcess | undefined
  let isUnchecked = false
  const background: { script: string; process: StartedProcess }[] = []
  const options = {
    cwd: folder,
    env: { PATH: `${join(folder, 'node_modules/.bin')}:${process.env['PATH']}`, CI: undefined, NODE_ENV: undefined },
  }
  for (const step of page.steps) {
    const name = `${page.path}:${step.line}`
    switch (step.kind) {
      case 'file':
        mkdirSync(dirname(join(folder, step.name)), { recursive: true })
        writeFileSync(join(folder, step.name), step.text)
        isUnchecked = true
        break
      case 'run': {
        if (isUnchecked) await checkTypes(name, options, processes)
        isUnchecked = false
        // npx takes a second to find what is in the folder beside it.
        last = processes.start('sh', ['-ec', `npx() { "$@"; }\n${step.script}`], { ...options, name })
        const { code } = await last.ends({ withinMs: 60_000 })
        assert.equal(code === 0, !step.fails, `${name} ended with exit code ${code}\n${last.output}`)
        break
      }
      case 'background': {
        const earlier = background.findIndex((one) => one.script === step.script)
        for (const one of earlier === -1 ? [] : background.splice(earlier, 1)) await endGently(one.process)
        const started = processes.start('sh', ['-c', `exec ${step.script.replace(/^npx /, '')}`], {
          ...options,
          name,
          ownGroup: true,
        })
        await started.prints(step.until)
        background.push({ script: step.script, process: started })
        break
      }
      case 'output':
        if (last === undefined) throw new Error(`${name} shows output, and nothing ran before it`)
        assertOutput(last.stdout === '' ? last.stderr : last.stdout, step.text, name)
        break
      default:
        step satisfies never
    }
  }
  if (isUnchecked) await checkTypes(page.path, options, processes)
  for (const { process: one } of background.reverse()) await endGently(one)
}

async function endGently(one: StartedProcess): Promise<void> {
  one.signal('SIGTERM')
  const { code, signal } = await one.ends()
  assert.isTrue(code === 0 || signal === 'SIGTERM', `${one.name} ended with exit code ${code}\n${one.output}`)
}

async function checkTypes(name: string, options: { cwd: string }, processes: Processes): Promise<void> {
  await processes.start('tsc', ['-p', '.'], { ...options, name: `the types of ${name}` }).succeeds({ withinMs: 60_000 })
}

/** Lines in order, trailing blanks aside; `…` in the expected text stands for anything, also for lines. */
export function assertOutput(actual: string, expected: string, name: string): void {
  const tidy = (text: string): string => text.replaceAll(/[ \t]+$/gm, '').trim()
  const pattern = tidy(expected)
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[\\s\\S]*?')
  if (!new RegExp(`^${pattern}$`).test(tidy(actual))) {
    assert.equal(tidy(actual), tidy(expected), `${name} prints something else`)
  }
}
