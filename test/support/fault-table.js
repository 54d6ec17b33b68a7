// The table at the end of the fault tests: a line for each row of the fault matrix that was tried. Plain JavaScript, because Mocha's reporter
// and scripts/test-faults.mjs print it too. With UMBEL_TEST_FAULT_TABLE the lines go to that file, which outlives the run, else to memory.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'

const kept = []
// Mocha's reporter is no ES module; it finds the table of its own process here.
globalThis[Symbol.for('umbel.faultTable')] = () => faultTable(kept)

export function reportFault(row) {
  const file = process.env.UMBEL_TEST_FAULT_TABLE
  if (file === undefined || file === '') kept.push(row)
  else appendFileSync(file, `${JSON.stringify(row)}\n`)
}

/** What this run has reported, unless it went to a file. */
export function reportedFaults() {
  return kept
}

export function readFaults(file) {
  if (!existsSync(file)) return []
  // A line that the end of a process cut off is no line.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}

const columns = [
  ['FAULT', (row) => row.fault],
  ['WHAT', (row) => row.what],
  ['ACCEPTED', (row) => number(row.accepted)],
  ['LOST', (row) => number(row.lost)],
  ['REPEATED', (row) => number(row.repeated)],
  ['LONGEST RECOVERY', (row) => (row.recoveryMs === undefined ? '-' : `${number(Math.round(row.recoveryMs))} ms`)],
  ['VERDICT', (row) => (row.verdict === 'passed' ? 'passed' : row.verdict.toUpperCase())],
  ['FIGURES', (row) => row.figures ?? ''],
]

/** As lines of text; rows of one fault and what together, in order of their names. */
export function faultTable(rows) {
  if (rows.length === 0) return []
  const sorted = [...rows].sort((a, b) => (a.fault < b.fault ? -1 : a.fault > b.fault ? 1 : 0))
  const cells = [columns.map(([title]) => title), ...sorted.map((row) => columns.map(([, show]) => String(show(row))))]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index].length)))
  const isNumber = (index) => index >= 2 && index <= 5
  const lines = cells.map((line) =>
    line
      .map((cell, index) => (isNumber(index) ? cell.padStart(widths[index]) : cell.padEnd(widths[index])))
      .join('  ')
      .trimEnd(),
  )
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length
  return [...lines, `${count('passed')} passed, ${count('failed')} failed, ${count('inconclusive')} inconclusive`]
}

function number(value) {
  return value === undefined ? '-' : value.toLocaleString('en')
}
