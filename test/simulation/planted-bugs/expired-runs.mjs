export default {
  description: 'what has expired runs within another minute',
  edits: [
    {
      file: 'workers/request/admit.ts',
      find: 'now > expires)',
      replace: 'now > expires + 60_000)',
    },
  ],
}
