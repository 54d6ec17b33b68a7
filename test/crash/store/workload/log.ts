import { openSync, readFileSync, writeSync } from 'node:fs'

/** Appends facts to a file, a line each, in a way that survives the sudden end of this process. */
export function openLog(path: string): (...words: string[]) => void {
  const descriptor = openSync(path, 'a')
  return (...words) => void writeSync(descriptor, `${words.join(' ')}\n`)
}

/** The second words of the lines that begin with that word. */
export function readLog(path: string, word: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return [] // it ended before its first fact
  }
  // A line that was cut by the end is no fact.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
}
