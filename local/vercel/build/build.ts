import { rename, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { openRepository } from "../../../lib/git/workspace.ts";
import { isTrusted } from "../../../lib/implementation/sandbox.ts";
import { localSandboxes } from "../../../lib/sandbox/local.ts";
import type { Sandbox } from "../../../lib/sandbox/port.ts";
import { sandboxRoot, workspaceAt } from "../../../lib/sandbox/workspace.ts";
import type { DeploymentRow } from "../store/deployments.ts";
import type { BuildFault } from "../store/faults.ts";
import { BuildFailed } from "./failed.ts";
import { Lines } from "./lines.ts";
import { copyFiles, outputOf } from "./output.ts";
import { fetchSource, sourceFiles } from "./source.ts";

const MAX_OUTPUT_BYTES = 2 ** 20;

export interface BuildPlan {
  readonly deployment: DeploymentRow;
  readonly cloneUrl: string;
  readonly token: string;
  /** What the build gets: its output must not show the values. */
  readonly variables: Readonly<Record<string, string>>;
  /** Where what is served goes. */
  readonly site: string;
  readonly timeoutMs: number;
  readonly fault: BuildFault | undefined;
  readonly signal: AbortSignal;
  readonly say: (type: "stdout" | "command", text: string) => void;
}

const sandboxes = localSandboxes();

/** Makes what is served of one commit. Throws {@link BuildFailed} for a build that fails. */
export async function build(plan: BuildPlan): Promise<void> {
  const { deployment, cloneUrl, token, signal, say, fault } = plan;
  const { org, repo, ref, sha } = deployment;
  if (fault?.fault === "hang") await sleep(fault.ms, undefined, { signal });
  say("stdout", `Cloning ${org}/${repo} (Branch: ${ref}, Commit: ${sha.slice(0, 7)})`);
  await using repository = await openRepository();
  const { dir } = repository;
  await fetchSource({ cloneUrl, token, commitSha: sha, dir, signal });
  const name = `vercel-${deployment.id.slice("dpl_".length)}`;
  // Left by a process that died over this build.
  await sandboxes.stop(name);
  const sandbox = await sandboxes.open({
    name,
    files: () => sourceFiles(dir, sha, signal),
    trusted: isTrusted({ owner: org, repo }),
  });
  try {
    if (await hasBuildScript(sandbox)) await runBuild(sandbox, plan);
    else say("stdout", "There is no build script: the files are served as they are.");
    if (fault?.fault === "error")
      throw new BuildFailed("build_failed", "The build was told to fail.");
    await publish(name, plan);
  } finally {
    await sandbox.stop();
  }
}

const manifest = z.object({
  scripts: z.record(z.string(), z.unknown()).default({}),
  dependencies: z.record(z.string(), z.unknown()).default({}),
});

async function hasBuildScript(sandbox: Sandbox): Promise<boolean> {
  const bytes = await sandbox.read("package.json").catch(() => null);
  if (!bytes) return false;
  try {
    return manifest.parse(JSON.parse(bytes.toString("utf8"))).scripts.build !== undefined;
  } catch {
    throw new BuildFailed("build_failed", "package.json is not what npm reads.");
  }
}

async function runBuild(sandbox: Sandbox, plan: BuildPlan): Promise<void> {
  const { variables, timeoutMs, signal, say } = plan;
  say("command", 'Running "npm run build"');
  const lines = new Lines(Object.values(variables), (line) => say("stdout", line));
  const result = await sandbox.run({
    argv: ["npm", "run", "build"],
    env: { ...variables, VERCEL: "1", VERCEL_ENV: plan.deployment.target ?? "preview" },
    maxOutputBytes: MAX_OUTPUT_BYTES,
    onOutput: (chunk) => lines.push(chunk),
    ...{ timeoutMs, signal },
  });
  lines.end();
  if (result.ended === "exited" && result.exitCode === 0) return;
  const how =
    result.ended === "exited" ? `exited with ${result.exitCode}` : `ended by ${result.ended}`;
  throw new BuildFailed("build_failed", `Command "npm run build" ${how}`);
}

/** Shows the output in one step, so that nobody is served half of it. */
async function publish(name: string, { site, say }: BuildPlan): Promise<void> {
  const aside = `${site}.aside`;
  for (const left of [aside, site]) await rm(left, { recursive: true, force: true });
  const { work } = workspaceAt(await sandboxRoot(), name);
  const files = await copyFiles(await outputOf(work), aside);
  await rename(aside, site);
  say("stdout", `Build Completed: ${files} files`);
}
