/**
 * What a part is told on its command line or, so that no list of processes shows a secret, in its environment. Throws when it
 * is told neither way.
 */
export function told(name: string, variable: string): string {
  const { argv, env } = process;
  const at = argv.indexOf(name);
  const value = at === -1 ? env[variable] : argv[at + 1];
  if (!value) throw new Error(`Say ${name}, or set ${variable}.`);
  return value;
}
