/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'what is set aside keeps its reason and loses its message',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/dead-letter-rows.ts',
      find: 'coalesce((select envelope from',
      replace: 'coalesce((select null from',
    },
  ],
}
