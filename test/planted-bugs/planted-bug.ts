/**
 * A bug that `node scripts/build.mjs --plant <file name> --out <folder>` builds into a copy of the library, so that tests can show
 * that they find it. Production sources hold none of it.
 */
export interface PlantedBug {
  /** What is wrong then, for people. */
  readonly description: string
  /** The stores whose comparison with the model has to find it; left out where that is the task of other tests. */
  readonly stores?: readonly ('sqlite' | 'memory')[]
  readonly edits: readonly PlantedEdit[]
}

/** Keep `find` as short as it can be: the build fails when it does not stand in the file exactly once, and somebody has to aim it anew. */
export interface PlantedEdit {
  /** From the project's root. */
  readonly file: string
  readonly find: string
  readonly replace: string
}
