import { partOptions, runPart } from "../process.ts";
import { told } from "../told.ts";
import { startNeonApi } from "./server.ts";

const databaseUrl = told("--database-url", "DATABASE_URL");
const wsProxy = told("--ws-proxy", "NEON_WS_PROXY");
await runPart(
  (options) => startNeonApi({ ...options, databaseUrl, wsProxy }),
  partOptions(process.argv, ".local/neon-api"),
);
