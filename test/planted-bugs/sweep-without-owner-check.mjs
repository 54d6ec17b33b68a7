/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'the look for dead owners takes the claims of everybody',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/owner-rows.ts',
      find: '.filter((row) => isDead(row, observer))',
      replace: '',
    },
    {
      file: 'lib/broker/sqlite/owner-rows.ts',
      find: 'row !== undefined && isDead(row, observer)',
      replace: 'row !== undefined',
    },
  ],
}
