/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a final record is overwritten by what is reported later',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/result/sqlite/result-rows.ts',
      find: 'where final = 0 or',
      replace: 'where 1 or',
    },
  ],
}
