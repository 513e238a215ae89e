import { randomUUID } from "node:crypto";
import {
  access,
  chmod,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sandboxJobs } from "#db/schema.ts";
import { sandboxRoot } from "#lib/sandbox/workspace.ts";
import { until } from "#local/client.ts";
import { Hub } from "#local/hub.ts";
import { type OpenAiServer, type Reply, startOpenAi } from "./servers/openai.ts";
import { OWNER, type TestCloud, testCloud } from "./support/cloud.ts";
import { RunDesk } from "./support/runs.ts";

const KEY = "sk-test-0123456789abcdefghij";
/** Starts a child that has cut itself loose, and stays. */
const STAY = `import { spawn } from "node:child_process";
if (process.argv[3] !== "child") {
  spawn(process.execPath, ["stay.js", process.argv[2], "child"], { detached: true, stdio: "ignore" });
}
setInterval(() => {}, 1000);
`;
const FILES = {
  "package.json": JSON.stringify({ type: "module" }),
  "lib/sum.js": "export const sum = (a, b) => a - b;\n",
  "stay.js": STAY,
};
const projectId = "agents";
/** What the app needs, without bubblewrap. */
const PROGRAMS = ["git", "node", "npm", "npx", "prlimit", "sh", "env"];

/** Those processes of this machine that were started with this word. */
async function running(word: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return line.includes(word) ? [`${pid} ${line.replaceAll("\0", " ")}`] : [];
    }),
  );
  return found.flat();
}

/** A directory that is all of PATH, without anything that could hold a command. */
async function withoutBox(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "agent-path-"));
  // Commands run as another user than the app, when that is root.
  await chmod(dir, 0o755);
  for (const name of PROGRAMS) {
    for (const from of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(from, name);
      const there = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (!there) continue;
      await symlink(path, join(dir, name));
      break;
    }
  }
  return dir;
}

describe.each(["as this machine holds them", "with nothing that holds them"])(
  "commands, %s",
  (how) => {
    let server: OpenAiServer;
    let world: TestCloud;
    let desk: RunDesk;
    let bin: string | undefined;

    beforeAll(async () => {
      server = await startOpenAi({ key: KEY });
      if (how.startsWith("with nothing")) bin = await withoutBox();
      const model = { MODEL: "test/model", MODEL_URL: server.url, MODEL_API_KEY: KEY };
      const env: Record<string, string> = { ...model, SANDBOX_TRUSTED_REPOS: "acme/buoy" };
      if (bin !== undefined) env.PATH = bin;
      world = await testCloud({ env });
      desk = new RunDesk(world, await world.client());
      await desk.project(projectId);
      await connect();
    }, 120_000);
    beforeEach(() => {
      server.replies.length = 0;
      server.requests.length = 0;
    });
    afterAll(async () => {
      await world?.close();
      await server?.close();
      if (bin !== undefined) await rm(bin, { recursive: true });
    });

    async function connect(): Promise<void> {
      const dir = await mkdtemp(join(tmpdir(), "agent-repository-"));
      for (const [path, text] of Object.entries(FILES)) {
        await mkdir(join(dir, dirname(path)), { recursive: true });
        await writeFile(join(dir, path), text);
      }
      await new Hub(world.cloud).create("buoy", dir);
      await rm(dir, { recursive: true });
      const data = { projectId, owner: "acme", name: "buoy" };
      await desk.client.send({ name: "repo.connected", data });
      await until("buoy connected", async () => {
        const path = `/api/projects/${projectId}/repos?limit=100`;
        return (await desk.client.call<{ items: unknown[] }>("GET", path)).items.length > 0;
      });
    }

    async function ask(runId: string): Promise<void> {
      const input = {
        ...{ target: "repository", repository: "acme/buoy", title: "Repair the sum" },
        ...{ changes: { from: "model" }, verify: [] },
      };
      const data = { projectId, runId, kind: "implementation", requestedBy: "ci", input };
      await desk.client.send({ name: "run.requested", data });
    }

    const call = (name: string, input: unknown): Reply => ({ tool: { name, arguments: input } });
    const stay = (word: string) => call("run", { commands: [["node", "stay.js", word]] });
    const finish = call("finish", { summary: "Repaired." });
    const edit = call("edit_file", { path: "lib/sum.js", old: "a - b", new: "a + b" });

    const jobs = (runId: string) =>
      world.database.select().from(sandboxJobs).where(eq(sandboxJobs.runId, runId));

    /** Waits until the command and its child run; returns the names of its sandboxes. */
    async function staying(runId: string, word: string): Promise<string[]> {
      await until("the command and its child", async () => {
        const lines = await running(word);
        return lines.some((line) => line.includes("child")) && lines.length >= 2;
      });
      return (await jobs(runId)).map(({ metadata }) => String(metadata.sandbox));
    }

    /** What is left of these sandboxes: those themselves, what is aside, and processes with that word. */
    async function left(names: readonly string[], word: string): Promise<string[]> {
      const root = await sandboxRoot(world.cloud.env.TMPDIR);
      const entries = await readdir(root);
      const dirs = entries.filter((entry) => names.some((name) => entry.startsWith(name)));
      return [...dirs, ...(await running(word))];
    }

    test("an app that is killed in the middle of a turn leaves nothing: the turn is made again, and the run goes on", async () => {
      const [runId, word] = [`run-${randomUUID()}`, randomUUID()];
      // The model wants something else when it is asked again: nobody comes upon what is left by chance.
      server.replies.push(stay(word), edit, finish);
      await ask(runId);
      const names = await staying(runId, word);
      expect(names).toHaveLength(1);
      await world.cloud.restart("app");
      await desk.approval(runId);
      expect(await left(names, word)).toEqual([]);
      expect(server.requests).toHaveLength(3);
      const rows = await jobs(runId);
      expect(rows.map(({ jobType, status }) => [jobType, status]).sort()).toEqual([
        ["draft.run", "failed"],
        ["repo.applyPatch", "succeeded"],
        ["repo.clone", "succeeded"],
      ]);
      expect(rows.find(({ jobType }) => jobType === "draft.run")?.metadata.tail).toContain(
        "broke off",
      );
      const path = `/api/runs/${runId}/jobs`;
      const { items } = await desk.client.call<{ items: { id: string }[] }>("GET", path);
      expect(items.map(({ id }) => id).sort()).toEqual(rows.map(({ id }) => id).sort());
    }, 180_000);

    test("a run that is canceled while its command runs ends within seconds, and leaves nothing", async () => {
      const [runId, word] = [`run-${randomUUID()}`, randomUUID()];
      server.respond = () => stay(word);
      await ask(runId);
      const names = await staying(runId, word);
      const began = performance.now();
      const data = { projectId, runId, by: OWNER, reason: "enough" };
      await desk.client.send({ name: "run.cancel.requested", data });
      await until("nothing left", async () => (await left(names, word)).length === 0);
      // Long before the command's own deadline, which is minutes away.
      expect(performance.now() - began).toBeLessThan(30_000);
      await desk.reached(runId, "canceled");
      expect((await jobs(runId)).map(({ status }) => status)).toEqual(["canceled"]);
      const asked = server.requests.length;
      // What began after it would have asked the model by the time that another run has come to its end.
      const other = `run-${randomUUID()}`;
      server.replies.push(edit, finish);
      await ask(other);
      await desk.approval(other);
      expect(server.requests).toHaveLength(asked + 2);
      expect(await left(names, word)).toEqual([]);
    }, 180_000);
  },
);
