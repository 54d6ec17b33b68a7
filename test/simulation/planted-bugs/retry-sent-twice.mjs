export default {
  description: 'a retry is sent a second time, under a fresh id',
  edits: [
    {
      file: 'lib/run/settlement.ts',
      find: 'return [outcome.next]',
      replace: `return [outcome.next, { ...outcome.next, message: { ...outcome.next.message, headers: { ...outcome.next.message.headers, id: \`\${String(outcome.next.message.headers['id'])}-again\` } } }]`,
    },
  ],
}
