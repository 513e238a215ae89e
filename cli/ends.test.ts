import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCli } from "../test/support/command-line.ts";

// What the command line ends with when the terminal, the reader of its output or the server goes away midway: the server
// is one that does so when it is told to.

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const BIN = fileURLToPath(new URL("bin.js", import.meta.url));
const HASH = "a".repeat(64);
const APPROVAL = {
  ...{ id: "appr_1", runId: "run_1", scope: "ledger.write", status: "pending", plan: "The plan" },
  ...{ intentSummary: "", intentHash: HASH, requestedBy: "ci", approvers: ["ann"], quorum: 1 },
  ...{ assurance: "event", expiresAt: "2030-01-01T00:00:00.000Z" },
  ...{ decisions: [] as object[], refusals: [] },
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
let answer: Handler;
const server = createServer((request, response) => answer(request, response));
let dir: string;
let env: Record<string, string>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-ends-"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  env = {
    COUNTERSIGN_URL: `http://127.0.0.1:${port}`,
    COUNTERSIGN_TOKEN: "a.b.c",
    COUNTERSIGN_PROJECT: "p",
  };
});
afterAll(async () => {
  server.close();
  await rm(dir, { recursive: true, force: true });
});

const run = (...args: string[]) => runCli(args, env);
const says =
  (value: unknown): Handler =>
  (_, response) =>
    response.end(JSON.stringify(value));

/** Runs it with a reader of its stdout that has gone. Resolves with its exit code. */
async function unread(...args: string[]): Promise<unknown> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.stdout.destroy();
  const [code] = await once(child, "exit");
  return code;
}

test("when nobody reads any more it ends as SIGPIPE would end it, and what said no says no", async () => {
  const file = join(dir, "bad.zip");
  await writeFile(file, "no ZIP");
  answer = says(APPROVAL);
  const approve = ["approve", "appr_1", "--yes", "--intent", HASH];
  const codes = [unread(...approve), unread("bundle", "verify", file), unread("--help")];
  expect(await Promise.all(codes)).toEqual([141, 1, 141]);
}, 60_000);

test("an audit chain may take longer than other answers, and one that breaks off is 3", async () => {
  const file = join(dir, "chain.jsonl");
  const signals: { ms: number; control: AbortController }[] = [];
  const clock = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    const control = new AbortController();
    signals.push({ ms, control });
    return control.signal;
  });
  // "Ü" comes in two pieces.
  const text = Buffer.from('{"by":"Ü"}\n');
  const begun = (then: (response: ServerResponse) => void): Handler => {
    return (_, response) => response.write(text.subarray(0, 8), () => then(response));
  };
  try {
    answer = begun((response) => {
      // Ten minutes pass.
      for (const { ms, control } of signals) if (ms <= 600_000) control.abort();
      response.end(text.subarray(8));
    });
    expect(await run("audit", "export", file)).toMatchObject({ code: 0, err: "" });
    expect(await readFile(file)).toEqual(text);
    answer = begun((response) => response.destroy());
    expect(await run("audit", "verify")).toMatchObject({
      ...{ code: 3, out: "", err: expect.stringContaining("broke off") },
    });
  } finally {
    clock.mockRestore();
  }
});

test("a terminal that is closed at the question has not said yes", async () => {
  answer = says(APPROVAL);
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  const stdin = vi.spyOn(process, "stdin", "get").mockReturnValue(terminal as never);
  try {
    terminal.end();
    const asked = await run("approve", "appr_1");
    expect(asked).toMatchObject({
      code: 1,
      err: expect.stringMatching(/: \r?\nNothing was sent.\n$/),
    });
  } finally {
    stdin.mockRestore();
  }
});

test("a server that is away for a moment after something was sent is asked again", async () => {
  const accepted = {
    ...APPROVAL,
    decisions: [{ decision: "granted", decidedBy: "ann", eventId: "e" }],
  };
  const once503: Handler = (_, response) => response.writeHead(503).end();
  const cut: Handler = (_, response) => response.destroy();
  const script = (...handlers: Handler[]): Handler => {
    return (request, response) => (handlers.shift() ?? says(accepted))(request, response);
  };
  answer = script(says(APPROVAL), says({ eventId: "e" }), once503, cut);
  const approve = ["approve", "appr_1", "--yes", "--intent", HASH];
  const approved = await run(...approve);
  expect(approved).toMatchObject({ code: 0, out: expect.stringContaining("Accepted") });
  expect(approved.err.split("Still looking.")).toHaveLength(2);

  let asked = 0;
  answer = (request, response) => {
    asked += 1;
    const sent = [says(APPROVAL), says({ eventId: "e" })][asked - 1];
    (sent ?? cut)(request, response);
  };
  const away = await run(...approve, "--wait", "1", "--json");
  expect(away).toMatchObject({ code: 5, err: expect.stringContaining("It was sent") });
  expect(JSON.parse(away.out)).toMatchObject({ outcome: "undecided", eventId: "e" });

  answer = script((_, response) => response.writeHead(403).end());
  expect(await run(...approve)).toMatchObject({ code: 1 });
});

test("who ends what npx started ends all of it", async () => {
  const asked = new Promise<IncomingMessage>((resolve) => {
    answer = resolve;
  });
  const child = spawn(process.execPath, [BIN, "runs"], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  // Nobody answers: what asks is there until it is ended.
  const left = once((await asked).socket, "close");
  child.kill("SIGTERM");
  expect(await ended).toEqual([143, null]);
  await left;
});
