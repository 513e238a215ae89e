import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createBranch } from "#lib/github/branches.ts";
import { openPull } from "#lib/github/pulls.ts";
import { createObject } from "#lib/ledger/client.ts";
import { createNeonProject } from "#lib/neon/projects.ts";
import { createVectorIndex } from "#lib/upstash/management-vector.ts";
import { createRedis } from "#lib/upstash/redis.ts";
import { createDeployment, promoteDeployment, readDeployment } from "#lib/vercel/deployments.ts";

const DEADLINE_MS = 400;
const repository = { owner: "acme", repo: "shop" };
const project = { id: "prj_1", name: "shop" };
const sha = "0".repeat(40);
const object = { book: "b", head: "0", name: "n", value: "v", marker: "eff_1" };

const CALLS = [
  ["Vercel, a change", (signal) => promoteDeployment(project.id, "dpl_1", signal)],
  [
    "Vercel, a change with more in its body",
    (signal) =>
      createDeployment({ project, repository, ref: "main", sha, marker: "eff_1" }, signal),
  ],
  ["Vercel, a look", (signal) => readDeployment("dpl_1", signal)],
  ["Neon", (signal) => createNeonProject({ name: "x", region: "aws-us-east-1" }, signal)],
  ["Upstash Vector", (signal) => createVectorIndex({ name: "x", region: "us-east-1" }, signal)],
  ["Upstash Redis", (signal) => createRedis({ name: "x", region: "us-east-1" }, signal)],
  ["GitHub, a branch", (signal) => createBranch(repository, { branch: "x", sha }, signal)],
  [
    "GitHub, a pull request",
    (signal) => openPull(repository, { title: "t", body: "b", head: "x", base: "main" }, signal),
  ],
  ["the ledger", (signal) => createObject({ ...object, kind: "entry" }, signal)],
] satisfies [string, (signal: AbortSignal) => Promise<unknown>][];

/** How far an answer comes that never ends. */
const ANSWERS = {
  "no answer": () => {},
  "half an answer": (response: ServerResponse) => {
    response.writeHead(200, { "content-type": "application/json" }).write('{"id": "');
  },
};

let collect: () => void;
let answer: (response: ServerResponse) => void = () => {};
let asked = 0;
const server = createServer((request, response) => {
  asked++;
  request.resume();
  answer(response);
});

beforeAll(async () => {
  setFlagsFromString("--expose-gc");
  collect = runInNewContext("gc");
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = 0;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = {
    ...{ VERCEL_API_URL: url, VERCEL_TOKEN: "of-a-test" },
    ...{ NEON_API_URL: url, NEON_API_KEY: "napi_of-a-test" },
    ...{ UPSTASH_API_URL: url, UPSTASH_EMAIL: "a@b.example", UPSTASH_API_KEY: "of-a-test" },
    ...{ GITHUB_API_URL: url, GITHUB_TOKEN: "of-a-test" },
    ...{ LEDGER_URL: url, LEDGER_TOKEN: "of-a-test" },
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

// An effect is looked for and sent again when its lease is over: a call that outlives its deadline could then do it twice.
describe.each(Object.entries(ANSWERS))("%s", (_, answering) => {
  test.each(CALLS)(
    "%s: the call ends at its deadline, also when memory is collected meanwhile",
    async (__, call) => {
      // Its client is loaded by the first call, which is no part of this.
      answer = (response) => response.destroy();
      await expect(call(AbortSignal.timeout(20_000))).rejects.toThrow();
      expect(asked).toBe(1);

      answer = answering;
      const began = performance.now();
      const outcome = call(AbortSignal.timeout(DEADLINE_MS)).then(
        () => "an answer",
        (error: unknown) => error,
      );
      let ended = false;
      outcome.finally(() => {
        ended = true;
      });
      while (!ended && performance.now() - began < 8000) {
        await sleep(100);
        collect();
      }
      expect(ended).toBe(true);
      expect(await outcome).toBeInstanceOf(Error);
      expect(asked).toBe(2);
    },
  );
});
