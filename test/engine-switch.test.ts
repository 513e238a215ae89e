import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startInngest } from "#local/inngest/server.ts";
import { get } from "#local/inngest/test-app.ts";
import type { LocalPart } from "#local/part.ts";

const ROOT = join(import.meta.dirname, "..");

let dir: string;
/** Two servers: any of them may be the one that `INNGEST_DEV` names. */
let servers: LocalPart[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "engine-switch-"));
  servers = [];
  for (const name of ["one", "two"]) servers.push(await startInngest({ dir: join(dir, name) }));
});
afterAll(async () => {
  for (const server of servers) await server.close();
  await rm(dir, { recursive: true, force: true });
});

interface Dev {
  readonly functions: readonly { readonly id: string }[];
}

test("INNGEST_DEV alone decides which server the app registers with and sends to", async () => {
  await Promise.all(servers.map(runApp));
  for (const server of servers) {
    const { functions } = await get<Dev>(server, "/dev");
    expect(functions.map(({ id }) => id)).toContain("countersign-ingest-file");
    // One app, one event: the other app's went to the other server.
    const page = await (await fetch(server.url)).text();
    expect(page.match(/engine-switch\/started/g)).toHaveLength(1);
  }
}, 120_000);

/** The app with nothing in its environment but where the server is. */
async function runApp(server: LocalPart): Promise<void> {
  const app = fork(join(ROOT, "test/engine-switch-app.ts"), { env: { INNGEST_DEV: server.url } });
  try {
    const [{ ready }] = (await once(app, "message")) as [{ ready: { url: string } }];
    const response = await fetch(ready.url, { method: "PUT" });
    expect([response.status, await response.json()]).toMatchObject([200, { modified: true }]);
  } finally {
    app.kill();
    await once(app, "exit");
  }
}

test("no code of the app reads an address of Inngest by itself", async () => {
  const { stdout } = await promisify(execFile)(
    "git",
    [
      "grep",
      "-nE",
      "INNGEST_[A-Z_]*URL|INNGEST_[A-Z_]*ORIGIN|8288",
      "--",
      "api",
      "functions",
      "lib",
      // What describes the variables, and what looks whether they lead anywhere: neither is of the app.
      ":!lib/env.ts",
      ":!lib/doctor",
      ":!*.test.ts",
    ],
    { cwd: ROOT },
  ).catch((error: { code: number; stdout: string }) => {
    if (error.code === 1) return { stdout: "" }; // git grep: nothing was found
    throw error;
  });
  expect(stdout).toBe("");
});
