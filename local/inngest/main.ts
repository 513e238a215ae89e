import { partOptions, runPart } from "../process.ts";
import { startInngest } from "./server.ts";

/** Values of an option that may be given several times. */
const values = (name: string) =>
  process.argv.flatMap((arg, i) => (process.argv[i - 1] === name ? [arg] : []));

const [retryDelay] = values("--retry-delay-ms");

await runPart(
  (options) =>
    startInngest({
      ...options,
      apps: values("--app"),
      retryDelayMs: retryDelay === undefined ? undefined : Number(retryDelay),
    }),
  partOptions(process.argv, ".local/inngest"),
);
