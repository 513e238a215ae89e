import { partOptions, runPart } from "../process.ts";
import { startGithub } from "./server.ts";

const { argv } = process;
const at = argv.indexOf("--webhook-url");
const webhookUrl = at === -1 ? undefined : argv[at + 1];
await runPart(
  (options) => startGithub({ ...options, webhookUrl }),
  partOptions(argv, ".local/github"),
);
