import { partOptions, runPart } from "../process.ts";
import { startApp } from "./server.ts";

const bundle = process.argv.indexOf("--bundle");
await runPart(
  ({ port }) => startApp({ port, bundle: bundle === -1 ? undefined : process.argv[bundle + 1] }),
  partOptions(process.argv, "."),
);
