import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { BUNDLE_KIND } from "#lib/artifacts/kinds.ts";
import { mintLocalToken } from "#lib/auth/local.ts";
import { type Client, until } from "./client.ts";
import type { Cloud } from "./cloud.ts";

const run = promisify(execFile);
const CLI = new URL("../cli/main.ts", import.meta.url).pathname;
const ROOT = new URL("..", import.meta.url).pathname;

export interface Bundled {
  /** From the checkout. */
  readonly path: string;
  readonly sha256: string;
  readonly verified: boolean;
}

/** Fetches the bundle of a run that has ended, and verifies it as anybody could: by the command line, with nothing else to ask. */
export async function bundle(
  { client, cloud, projectId, by }: { client: Client; cloud: Cloud; projectId: string; by: string },
  runId: string,
): Promise<Bundled> {
  const path = relative(ROOT, join(ROOT, ".local", `${runId}.bundle.zip`));
  console.log(`\nFetching the audit bundle of ${runId} to ${path}`);
  await until("the bundle", async () => {
    const artifacts = await client.artifacts(projectId);
    return artifacts.some((one) => one.runId === runId && one.kind === BUNDLE_KIND);
  });
  await mkdir(join(ROOT, ".local"), { recursive: true });
  await rm(join(ROOT, path), { force: true });
  const env = {
    ...process.env,
    COUNTERSIGN_URL: cloud.appUrl,
    COUNTERSIGN_TOKEN: await mintLocalToken(by, "1h"),
  };
  const countersign = async (...args: string[]) => {
    const { stdout } = await run(process.execPath, [CLI, ...args], { cwd: ROOT, env });
    return stdout;
  };
  const got = await countersign("bundle", "get", runId, "--out", path, "--json");
  const { sha256 } = JSON.parse(got) as { sha256: string };
  console.log(`  sha256 ${sha256}\n\ncountersign bundle verify ${path}`);
  // Ends otherwise than with 0 when a check fails, and says which.
  const verdict = await countersign("bundle", "verify", path);
  for (const line of verdict.trimEnd().split("\n")) console.log(`    ${line}`);
  return { path, sha256, verified: true };
}
