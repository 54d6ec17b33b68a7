/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'whether a lease has lapsed is judged by the wall clock, which operators set',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/driver/sqlite/machine-time.ts',
      find: 'if (clock.machine !== undefined) return () => clock.machine!()',
      replace: 'if (clock.now() > 0) return () => clock.now()',
    },
  ],
}
