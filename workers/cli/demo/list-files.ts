import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const skipped = new Set(['.git', 'node_modules'])

/**
 * Paths of the files below a folder, as they are met; `.git` and `node_modules` are left out at any depth. Links to folders are not
 * followed; a link that leads nowhere counts as a file, so that its task can say what is wrong with it.
 * @throws NodeJS.ErrnoException when the folder itself can't be read
 */
export async function* listFiles(folder: string): AsyncGenerator<string, void, void> {
  const pending = [folder]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for await (const entry of await opendir(next)) {
      const path = join(next, entry.name)
      if (entry.isDirectory()) {
        if (!skipped.has(entry.name)) pending.push(path)
      } else if (entry.isFile() || (entry.isSymbolicLink() && !(await leadsToFolder(path)))) yield path
    }
  }
}

async function leadsToFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false // leads nowhere: its task will say so
  }
}
