export default {
  description: 'a settlement with one follow-up goes without it',
  edits: [
    {
      file: 'lib/run/settlement.ts',
      find: 'return outcome.follow.length > 0 ?',
      replace: 'return outcome.follow.length > 1 ?',
    },
  ],
}
