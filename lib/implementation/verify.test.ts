import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { sandboxProvider } from "../sandbox/provider.ts";
import { isMade, sandboxRoot, workspaceAt } from "../sandbox/workspace.ts";
import { sandboxName } from "./sandbox.ts";
import { closeEarlier } from "./verify.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "verify-test-"));
  // Sandboxes of root have to be where other users can get to.
  await chmod(dir, 0o755);
  vi.stubEnv("TMPDIR", dir);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

test("what earlier attempts have left in sandboxes is ended by the one that verifies, and its own is not", async () => {
  async function* files() {}
  const names = [1, 2, 3].map((attempt) => sandboxName("r", attempt));
  for (const name of names) await sandboxProvider().open({ name, files, trusted: true });
  const ours = { projectId: "p", runId: "r", attempt: 3 };
  await closeEarlier(ours);
  await closeEarlier(ours);
  const root = await sandboxRoot();
  expect(root.startsWith(dir)).toBe(true);
  const made = names.map((name) => isMade(workspaceAt(root, name)));
  expect(await Promise.all(made)).toEqual([false, false, true]);
  await sandboxProvider().stop(sandboxName("r", 3));
});
