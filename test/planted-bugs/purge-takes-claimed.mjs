/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a purge removes what workers are at',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/sqlite-admin.ts',
      find: `const ready = 'from ready`,
      replace: `database.statement('delete from claims where queue = ?').run([queue])
  const ready = 'from ready`,
    },
  ],
}
