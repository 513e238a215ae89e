import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiHit, until } from "#local/client.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
let dir: string;
let started: ChildProcess;
let printed = "";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-start-"));
  const { INNGEST_DEV: _, ...env } = process.env;
  const ports = ["--port", "0", "--inngest-port", "0", "--github-port", "0"];
  const args = ["local/start.ts", "--dir", dir, ...ports];
  // Whatever it starts inherits the mark, wherever it detaches itself to.
  started = spawn(process.execPath, args, { cwd: root, env: { ...env, STARTED_BY_TEST: dir } });
  for (const stream of [started.stdout, started.stderr]) {
    stream?.on("data", (chunk) => {
      printed += chunk;
    });
  }
});
afterAll(async () => {
  if (started.exitCode === null && started.signalCode === null) {
    started.kill("SIGTERM");
    await once(started, "exit");
  }
  await rm(dir, { recursive: true, force: true });
});

test("npm start prints commands that work, and Ctrl-C ends it with all that it started", async () => {
  await until("the addresses", async () => {
    if (started.exitCode !== null) throw new Error(`it ended:\n${printed}`);
    return printed.includes("Ctrl-C stops everything");
  });
  expect(await processes()).not.toEqual([]);
  const [emit, upload, search] = commands(printed);
  if (!emit || !upload || !search) throw new Error(`these are not three commands:\n${printed}`);

  expect(await run(emit)).toMatchObject({ status: 200, ids: [expect.any(String)] });
  await until("a hit", async () => {
    const { hits } = await run<{ hits: ApiHit[] }>(search);
    return hits.some(({ file }) => file === "operations-manual.pdf");
  });
  expect(await run(upload)).toMatchObject({ name: "README.md" });

  // In the middle of that file's ingestion.
  started.kill("SIGINT");
  const [code] = await once(started, "exit");
  expect(code, printed).toBe(0);
  expect(printed).toContain("stopping; the state stays in");
  expect(await processes()).toEqual([]);
  // Everything starts cold, on a machine that runs other tests.
}, 90_000);

/** The words of each printed curl command, as a shell reads them. */
function commands(text: string): string[][] {
  const token = /export TOKEN=(\S+)/.exec(text)?.[1] ?? "";
  return [...text.replaceAll("\\\n", " ").matchAll(/^ +curl -s (.+)$/gm)].map(([, rest = ""]) =>
    [...rest.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
      ([, single, double, bare]) => single ?? double?.replace("$TOKEN", token) ?? bare ?? "",
    ),
  );
}

/** Does what curl would: these machines need not have it. */
async function run<T>(words: string[]): Promise<T> {
  const headers = new Headers();
  let body: string | Buffer | undefined;
  let url = "";
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "-H") {
      const [name = "", value = ""] = (rest.shift() ?? "").split(": ");
      headers.set(name, value);
    } else if (word === "-d") body = rest.shift();
    else if (word === "--data-binary") {
      body = await readFile(join(root, rest.shift()?.replace("@", "") ?? ""));
      headers.set("content-type", "application/x-www-form-urlencoded");
    } else url = word;
  }
  const method = body === undefined ? "GET" : "POST";
  const response = await fetch(url, { method, headers, body });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Processes with our mark in their environment. */
async function processes(): Promise<string[]> {
  const mark = `STARTED_BY_TEST=${dir}`;
  if (process.platform !== "linux") {
    const { stdout } = await promisify(execFile)("ps", ["-axww", "-E", "-o", "pid=,command="]);
    return stdout.split("\n").filter((line) => line.includes(mark));
  }
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const marked = await Promise.all(
    // One that ended meanwhile, or belongs to somebody else, has nothing to say.
    pids.map(async (pid) =>
      (await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")).includes(mark),
    ),
  );
  return pids.filter((_, i) => marked[i]);
}
