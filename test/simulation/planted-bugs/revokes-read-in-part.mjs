export default {
  description: 'a worker that starts reads all but the first of the revoked ids',
  edits: [
    {
      file: 'workers/presence/revoked-tasks.ts',
      find: 'of remembered) this',
      replace: 'of remembered.slice(1)) this',
    },
  ],
}
