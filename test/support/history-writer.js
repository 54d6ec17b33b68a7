// Plain JavaScript, because the processes of a fault test run as users' programs do: under bare Node, without a TypeScript loader.
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Opens `<folder>/<name>-<pid>.jsonl` for appending; a fact is on disk (as far as a SIGKILL goes) when the call returns. */
export function openHistory(folder, name) {
  const file = openSync(join(folder, `${name}-${process.pid}.jsonl`), 'a')
  const write = (fact) => {
    // One write with O_APPEND: a line is there whole or not at all when the process is killed.
    writeSync(file, `${JSON.stringify({ t: nowMicros(), pid: process.pid, ...fact })}\n`)
  }
  return Object.assign(write, { close: () => closeSync(file) })
}

/** The machine's monotonic clock, shared by its processes, in microseconds. */
export function nowMicros() {
  return Number(process.hrtime.bigint() / 1000n)
}
