/** What belongs to the whole run and not to the suite that happened to need it first; the guard of leaks leaves it alone. */
export const shared = {
  pids: new Set<number>(),
  /** Names in the run's temporary folder. */
  files: new Set<string>(),
}
