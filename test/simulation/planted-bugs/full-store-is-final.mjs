export default {
  description: 'endings that a full store refuses for a moment are set aside',
  edits: [
    {
      file: 'workers/request/settle.ts',
      find: ` || error instanceof StoreFull
`,
      replace: `
`,
    },
  ],
}
