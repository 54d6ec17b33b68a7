/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'what a task sends at its end is forgotten when several tasks are settled in one act',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/settle-rows.ts',
      find: 'settled.flatMap(({ follow }) => follow)',
      replace: 'settled.length > 1 ? [] : settled.flatMap(({ follow }) => follow)',
    },
  ],
}
