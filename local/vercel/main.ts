import { partOptions, runPart } from "../process.ts";
import { startVercel } from "./server.ts";

const { argv } = process;
const option = (name: string) => {
  const at = argv.indexOf(name);
  return at === -1 ? undefined : argv[at + 1];
};
// The token by environment: command lines are seen by everybody.
const githubToken = process.env.GITHUB_TOKEN ?? "";
const githubUrl = option("--github-url") ?? "http://127.0.0.1:8400";
const webhookUrl = option("--webhook-url");
const teamId = option("--team-id");
await runPart(
  (options) => startVercel({ ...options, githubUrl, githubToken, webhookUrl, teamId }),
  partOptions(argv, ".local/vercel"),
);
