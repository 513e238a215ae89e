import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { env, isDeployed } from "../env.ts";
import { errorMessage, InvalidInput } from "../errors.ts";
import { log } from "../log.ts";
import { loadApi } from "./api.ts";
import { type Listening, listen } from "./server.ts";

const HELP = `npm run serve -- [options]    serves what npm run build made, until SIGTERM or SIGINT

  --dir <path>    the bundle (default dist)
  --help

From the environment: PORT (3210), HOST (127.0.0.1), SHUTDOWN_SECONDS (30), and all that docs/environment.md names.
When told to stop it takes no more requests and answers those under way; told again, it ends at once. Exit code: 0 when all were answered, 1 when some
were cut off after SHUTDOWN_SECONDS, or when it could not start.`;

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

async function start(dir: string): Promise<void> {
  const { PORT: port = 3210, HOST: host = "127.0.0.1", SHUTDOWN_SECONDS: seconds = 30 } = env();
  if (!existsSync(`${dir}/api/index.js`)) {
    throw new InvalidInput("not_built", `${dir} has no bundle: run npm run build first.`);
  }
  if (!isDeployed()) {
    log.warn("NODE_ENV is not production: what only a laptop may do is allowed");
  }
  const server = await listen(await loadApi(dir, ".js"), { port, host });
  process.on("SIGTERM", () => stop(server, seconds)).on("SIGINT", () => stop(server, seconds));
  log.info("serving", { url: server.url });
}

/** When it was told to stop. */
let stopping: number | undefined;
/** Ctrl-C under npm comes twice at once: from the terminal, and handed on by npm. */
const SAME_SIGNAL_MS = 1000;

/** Told a second time, it ends at once. */
async function stop(server: Listening, seconds: number): Promise<void> {
  const now = performance.now();
  if (stopping !== undefined) {
    if (now - stopping > SAME_SIGNAL_MS) process.exit(1);
    return;
  }
  stopping = now;
  log.info("stopping", { seconds });
  const cut = await server.stop(seconds * 1000);
  // What was cut off is Inngest's or the caller's to send again.
  if (cut > 0) log.warn("stopped with requests that were not answered", { connections: cut });
  process.exit(cut > 0 ? 1 : 0);
}

try {
  const { values } = parseArgs({
    options: {
      dir: { type: "string", default: DIST },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else await start(resolve(values.dir));
} catch (error) {
  console.error(errorMessage(error));
  process.exitCode = 1;
}
