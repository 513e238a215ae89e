import { partOptions, runPart } from "../process.ts";
import { startNeonApi } from "./server.ts";

const { argv, env } = process;

/** From the command line or, so that no list of processes shows a password, from the environment. */
function told(name: string, variable: string): string {
  const at = argv.indexOf(name);
  const value = at === -1 ? env[variable] : argv[at + 1];
  if (!value) throw new Error(`Say ${name}, or set ${variable}.`);
  return value;
}

const databaseUrl = told("--database-url", "DATABASE_URL");
const wsProxy = told("--ws-proxy", "NEON_WS_PROXY");
await runPart(
  (options) => startNeonApi({ ...options, databaseUrl, wsProxy }),
  partOptions(argv, ".local/neon-api"),
);
