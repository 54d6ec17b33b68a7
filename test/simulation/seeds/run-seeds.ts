// Runs seeds in a process of its own; bundled and started by scripts/test-simulate.mjs and by the tests. One line of JSON for each seed.
// node run-seeds.js <first> <step> <last> [stop]      seeds first, first + step, …; `stop`: until one fails
// node run-seeds.js --trace <seed>
import { runSeed } from './run-seed.ts'

async function main([first = '1', step = '1', last = '1', stop]: readonly string[]): Promise<void> {
  if (first === '--trace') {
    const report = await runSeed(step, { trace: (line) => void process.stdout.write(line) })
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    process.exitCode = report.violations.length > 0 ? 1 : 0
    return
  }
  for (let seed = Number(first); seed <= Number(last); seed += Number(step)) {
    const report = await runSeed(String(seed))
    process.stdout.write(`${JSON.stringify(report)}\n`)
    if (stop === 'stop' && report.violations.length > 0) return
  }
}

void main(process.argv.slice(2))
