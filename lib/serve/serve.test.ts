import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { mintLocalToken } from "#lib/auth/local.ts";
import { type TestCloud, testCloud } from "../../test/support/cloud.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SECRET = "a-webhook-secret-of-this-test";
const BODY = JSON.stringify({ zen: "Keep it logically awesome." });
const SIGNATURE = `sha256=${createHmac("sha256", SECRET).update(BODY).digest("hex")}`;

let world: TestCloud;
beforeAll(async () => {
  world = await testCloud();
});
afterAll(() => world?.close());

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
  /** Resolves with the exit code, and the signal when one ended it. */
  readonly ended: Promise<unknown[]>;
}

function environment(more: Record<string, string>): Record<string, string | undefined> {
  const own = { PORT: "0", NODE_ENV: "", GITHUB_WEBHOOK_SECRET: SECRET };
  return { ...process.env, ...world.cloud.env, ...own, ...more };
}

/** Starts the bundle and waits until it says where it listens. */
async function serve(
  command: readonly string[],
  more: Record<string, string> = {},
): Promise<Served> {
  const [program = "", ...args] = command;
  const child = spawn(program, [...args, "--dir", inject("bundle")], {
    cwd: ROOT,
    env: environment(more),
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  const ended = once(child, "close");
  for await (const line of createInterface({ input: child.stderr })) {
    const url = /"message":"serving","url":"([^"]+)"/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stderr.resume();
    return { child, url, ended };
  }
  throw new Error(`it did not start: ${await ended}`);
}

const direct = [process.execPath, "lib/serve/main.ts"];

/** A webhook whose body is only begun: the rest is sent by `finish`. */
function beginDelivery(url: string) {
  const request = httpRequest(`${url}/api/webhooks/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-length": BODY.length,
      "x-github-event": "ping",
      "x-github-delivery": "d",
      "x-hub-signature-256": SIGNATURE,
      expect: "100-continue",
    },
  });
  const answer = once(request, "response") as Promise<[IncomingMessage]>;
  // Asked to go on: the server has the request.
  const begun = once(request, "continue").then(() => request.write(BODY.slice(0, 5)));
  return {
    begun,
    answer,
    async finish() {
      request.end(BODY.slice(5));
      const [response] = await answer;
      return { status: response.statusCode, body: await text(response) };
    },
  };
}

async function refused(url: string): Promise<void> {
  const refusal = () =>
    fetch(url).then(
      () => "answered",
      (error) => error.cause?.code,
    );
  await expect.poll(refusal, { timeout: 15_000 }).toBe("ECONNREFUSED");
}

test("npm run serve serves the bundle; told to stop, it answers what is under way and ends with 0", async () => {
  const { child, url, ended } = await serve(["npm", "run", "--silent", "serve", "--"]);
  const health = await fetch(`${url}/api/health`);
  expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
  const inngest = await fetch(`${url}/api/inngest`);
  expect(await inngest.json()).toMatchObject({ function_count: expect.any(Number), mode: "dev" });
  const other = await fetch(`${url}/api/inngest`, { method: "DELETE" });
  expect([other.status, other.headers.get("allow")]).toEqual([405, "GET, POST, PUT"]);

  const delivery = beginDelivery(url);
  await delivery.begun;
  // As Ctrl-C under npm does: the terminal tells both, and npm tells it once more.
  child.kill("SIGTERM");
  child.kill("SIGTERM");
  await refused(url);
  const { status, body } = await delivery.finish();
  expect([status, JSON.parse(body)]).toMatchObject([202, { events: 0 }]);
  expect(await ended).toEqual([0, null]);
}, 60_000);

test("what does not end is cut off after SHUTDOWN_SECONDS, and the exit code says so", async () => {
  const { child, url, ended } = await serve(direct, { SHUTDOWN_SECONDS: "1" });
  const delivery = beginDelivery(url);
  await delivery.begun;
  const cut = expect(delivery.answer).rejects.toThrow("socket hang up");
  child.kill("SIGINT");
  expect(await ended).toEqual([1, null]);
  await cut;
}, 60_000);

test("idle connections do not hold it up", async () => {
  const { child, url, ended } = await serve(direct, { SHUTDOWN_SECONDS: "600" });
  // fetch keeps its connection open.
  expect((await fetch(`${url}/api/health`)).status).toBe(200);
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
}, 60_000);

test("in production it takes no call that Inngest has not signed, and no token of a laptop", async () => {
  const production = {
    NODE_ENV: "production",
    INNGEST_DEV: "",
    INNGEST_BASE_URL: world.cloud.inngestUrl,
    INNGEST_EVENT_KEY: "an-event-key",
    INNGEST_SIGNING_KEY: "ab".repeat(32),
  };
  const { url } = await serve(direct, production);
  // Its state is told to nobody who does not sign.
  const entry = `${url}/api/inngest`;
  expect((await fetch(entry)).status).toBe(401);
  const call = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
  const called = await fetch(`${entry}?fnId=countersign-ingest-file&stepId=step`, call);
  expect(called.status).toBe(401);

  const authorization = `Bearer ${await localToken()}`;
  const local = await fetch(`${world.cloud.appUrl}/api/projects`, { headers: { authorization } });
  expect(local.status).toBe(200);
  const deployed = await fetch(`${url}/api/projects`, { headers: { authorization } });
  expect(deployed.status).not.toBe(200);
}, 60_000);

async function localToken(): Promise<string> {
  const before = process.env.LOCAL_AUTH_SECRET;
  process.env.LOCAL_AUTH_SECRET = world.cloud.env.LOCAL_AUTH_SECRET;
  try {
    return await mintLocalToken("somebody");
  } finally {
    if (before === undefined) delete process.env.LOCAL_AUTH_SECRET;
    else process.env.LOCAL_AUTH_SECRET = before;
  }
}

/** Runs it to its end, for what does not start. */
async function fails(args: readonly string[], more: Record<string, string> = {}) {
  const [program = "", ...rest] = direct;
  const child = spawn(program, [...rest, ...args], { cwd: ROOT, env: environment(more) });
  children.push(child);
  const said = text(child.stderr);
  const [code] = await once(child, "close");
  return { code, said: await said };
}

test("without a bundle, or on a port that is taken, it says so and ends with 1", async () => {
  expect(await fails(["--dir", ROOT])).toMatchObject({
    code: 1,
    said: expect.stringContaining("run npm run build first"),
  });
  const { port } = new URL(world.cloud.appUrl);
  expect(await fails(["--dir", inject("bundle")], { PORT: port })).toMatchObject({
    code: 1,
    said: expect.stringContaining("EADDRINUSE"),
  });
});
