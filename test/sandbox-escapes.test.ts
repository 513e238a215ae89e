import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, lstat, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type LocalOptions, localSandboxes } from "#lib/sandbox/local.ts";
import type { Sandbox, WorkFile } from "#lib/sandbox/port.ts";
import { listProcesses } from "#lib/sandbox/processes.ts";
import { until } from "#local/client.ts";
import { type Bait, ESCAPES, FLOODS, probe } from "./support/escapes.ts";

let dir: string;
let bait: Bait;
let server: Server;
let victim: ChildProcess;
let connections = 0;
const table: { attempt: string; result: string }[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "escapes-"));
  await chmod(dir, 0o755);
  const secret = randomBytes(12).toString("hex");
  vi.stubEnv("HOST_SECRET", secret);
  const file = join(dir, "host-secret");
  await writeFile(file, secret, { mode: 0o644 });
  server = createServer(() => {
    connections += 1;
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  victim = spawn("sleep", ["300"], { env: { HOST_SECRET: secret } });
  await once(victim, "spawn");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  bait = { file, secret, port, pid: victim.pid ?? 0 };
});
afterAll(async () => {
  if (table.length > 0)
    process.stdout.write(
      `\n${table.map(({ attempt, result }) => `| ${attempt} | ${result} |`).join("\n")}\n`,
    );
  victim.kill("SIGKILL");
  server.close();
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

/**
 * A box in which untrusted code runs. Null where this machine cannot hold it: then it has to be refused, nothing is tried,
 * and what is printed says so.
 */
async function box(
  files: Record<string, string>,
  limits: LocalOptions["limits"] = {},
): Promise<Sandbox | null> {
  async function* tree(): AsyncGenerator<WorkFile> {
    for (const [path, text] of Object.entries(files))
      yield { path, executable: false, bytes: Buffer.from(text) };
  }
  const provider = localSandboxes({ root: dir, limits });
  const name = `escape-${randomBytes(4).toString("hex")}`;
  try {
    const opened = await provider.open({ name, files: tree, trusted: false });
    expect(opened.isolation).toBe("bubblewrap");
    return opened;
  } catch (error) {
    expect(error).toMatchObject({ code: "sandbox_not_isolated" });
    const trusted = await provider.open({ name, files: tree, trusted: true });
    expect(trusted.isolation).toBe("not isolated");
    await trusted.stop();
    table.push({
      attempt: "untrusted code",
      result: "refused: this machine isolates nothing, so no escape was tried",
    });
    return null;
  }
}

async function run(sandbox: Sandbox, file: string, ...args: string[]) {
  const limits = { timeoutMs: 15_000, maxOutputBytes: 200_000 };
  const result = await sandbox.run({ argv: ["node", file, ...args], ...limits });
  return { ...result, text: result.output.toString("utf8") };
}

test("nothing of the host is reached from inside", { timeout: 60_000 }, async () => {
  const sandbox = await box({ "probe.mjs": probe(bait) });
  if (!sandbox) return;
  const { text } = await run(sandbox, "probe.mjs");
  const lines = text
    .trim()
    .split("\n")
    .map((line): { attempt: string; got?: string; held?: string } => JSON.parse(line));
  expect(lines.map(({ attempt }) => attempt)).toEqual(ESCAPES.map(({ attempt }) => attempt));
  for (const { attempt, got, held } of lines)
    table.push({ attempt, result: got === undefined ? `held: ${held}` : `ESCAPED: ${got}` });
  expect(lines.filter(({ got }) => got !== undefined)).toEqual([]);
  expect(text).not.toContain(bait.secret);
  expect(connections).toBe(0);
  expect(victim.exitCode ?? victim.signalCode).toBeNull();
  await sandbox.stop();
});

test("what comes out of the box is read and written inside it alone", {
  timeout: 60_000,
}, async () => {
  const links = `import fs from "node:fs";
    fs.symlinkSync(${JSON.stringify(bait.file)}, "file");
    fs.symlinkSync(${JSON.stringify(dir)}, "dir");
    fs.mkdirSync(".git/hooks", { recursive: true });
    fs.writeFileSync(".git/hooks/post-checkout", "#!/bin/sh", { mode: 0o755 });
    fs.writeFileSync("--eval=process.exit(7)", "");`;
  const sandbox = await box({ "links.mjs": links });
  if (!sandbox) return;
  expect((await run(sandbox, "links.mjs")).exitCode).toBe(0);
  const attempts: [string, Promise<unknown>][] = [
    ["the host reads through a link to a file", sandbox.read("file")],
    ["the host reads through a link to a directory", sandbox.read("dir/host-secret")],
    ["the host writes through a link to a directory", sandbox.write("dir/new", Buffer.from("x"))],
    ["the host reads a hook that was planted", sandbox.read(".git/hooks/post-checkout")],
    ["the host writes git's configuration", sandbox.write(".git/config", Buffer.from("x"))],
    ["a file's name as an option of node", run(sandbox, "--eval=process.exit(7)")],
  ];
  const results = await Promise.allSettled(attempts.map(([, one]) => one));
  for (const [at, [attempt]] of attempts.entries()) {
    const refused = results[at]?.status === "rejected";
    table.push({ attempt, result: refused ? "held: refused" : "ESCAPED" });
    expect(results[at], attempt).toMatchObject({ reason: { name: "InvalidInput" } });
  }
  await sandbox.write("file", Buffer.from("mine"));
  expect(await readFile(bait.file, "utf8")).toBe(bait.secret);
  await expect(lstat(join(dir, "new"))).rejects.toThrow("ENOENT");
  await sandbox.stop();
});

test("no flood takes more than it may, and nothing outlives its command", {
  timeout: 120_000,
}, async () => {
  const MB = 2 ** 20;
  const low = { processes: 64, memoryBytes: 768 * MB, fileBytes: 8 * MB, tmpBytes: 8 * MB };
  const files = Object.fromEntries(
    Object.entries(FLOODS).map(([name, code]) => [`${name}.mjs`, code]),
  );
  const sandbox = await box(files, low);
  if (!sandbox) return;
  const flood = async (name: keyof typeof FLOODS, ...args: string[]) => {
    const { text, ended, exitCode } = await run(sandbox, `${name}.mjs`, ...args);
    const said = text.trim().split("\n").at(-1) ?? "";
    table.push({ attempt: `flood of ${name}`, result: `${said} (${ended} ${exitCode ?? ""})` });
    return { said, text, ended, exitCode };
  };
  const { refused, started } = JSON.parse((await flood("processes")).said);
  expect(refused).toBeGreaterThan(0);
  expect(started).toBeLessThan(64);
  expect((await flood("memory")).text).not.toContain("got");
  expect((await flood("file")).said).toBe("refused: EFBIG");
  expect((await flood("tmp")).said).toBe("refused: ENOSPC");
  const seconds = String(1_000_000 + Number.parseInt(randomBytes(3).toString("hex"), 16));
  expect((await flood("daemon", seconds)).said).toBe("left behind");
  // The box tells how its command ended a moment before the kernel has ended the rest of it.
  await until(
    "nothing outlives its command",
    async () => {
      const lines = await Promise.all(
        listProcesses().map(({ pid }) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
      );
      return lines.every((line) => !line.includes(seconds));
    },
    5,
  );
  await sandbox.stop();
});
