// Mocha adds the `spec` of its configuration to the files named on the command line, so it is given only when none are named:
// `npx mocha` runs everything, `npx mocha test/unit/x.test.ts` that file alone.
const namesFiles = process.argv.slice(2).some((word) => /\.test\.ts$/.test(word))

module.exports = {
  ...(namesFiles ? {} : { spec: ['test/**/*.test.ts'] }),
  ignore: ['test/package/projects/**'],
  'node-option': ['import=tsx'],
  reporter: './test/support/reporter.cjs',
  require: ['test/support/leaks.ts', 'test/support/debian-packages.ts', 'test/support/servers.ts'],
  timeout: 20000,
  'forbid-only': true,
  exit: false,
}
