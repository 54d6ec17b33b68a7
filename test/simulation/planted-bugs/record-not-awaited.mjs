export default {
  description: 'with two stores, messages are acknowledged whether their records are stored or not',
  edits: [
    {
      file: 'workers/request/settle.ts',
      find: 'if (records.length > 0) await backend.keep(records)',
      replace: 'if (records.length > 0) void backend.keep(records).catch(() => {})',
    },
  ],
}
