import { fileURLToPath } from 'node:url'

/**
 * Where something was defined. Costs little when it is made: the stack is kept as the engine has it, and becomes text when somebody asks,
 * which happens only when two tasks have one name.
 */
export class DefinitionSite {
  /** Filled in by the engine. */
  declare readonly stack?: string

  /** @param above the function that was called there */
  constructor(above: Function) {
    Error.captureStackTrace(this, above)
  }

  /** `file:line`, or words that say that it is not known. */
  toString(): string {
    for (const line of this.stack?.split('\n').slice(1) ?? []) {
      // What compilers put between a decorator and the class that it stands in.
      if (/__(decorate|esDecorate|runInitializers)|tslib/.test(line)) continue
      const [, inCall, alone, at] = /^\s*at (?:.* \((.+)|(?:async )?(.+)):(\d+):\d+\)?$/.exec(line) ?? []
      const file = inCall ?? alone
      if (file !== undefined) return `${pathOf(file)}:${at}`
    }
    return 'an unknown place'
  }
}

function pathOf(file: string): string {
  // Loaders that load a module again tell its copies apart by a query.
  const [plain = file] = file.split('?')
  try {
    return plain.startsWith('file:') ? fileURLToPath(plain) : plain
  } catch {
    return plain
  }
}
