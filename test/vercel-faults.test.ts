import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CountersignError } from "#lib/errors.ts";
import { findDeployment, promoteDeployment, readDeployment } from "#lib/vercel/deployments.ts";
import { listVariables, putVariables, variablesFor } from "#lib/vercel/environment.ts";
import { createProject, readProject } from "#lib/vercel/projects.ts";
import { cloud } from "#local/vercel/testing.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let world: Awaited<ReturnType<typeof cloud>>;
const { signal } = new AbortController();
const repository = { owner: "acme", repo: "shop" };
let count = 0;

beforeAll(async () => {
  world = await cloud();
  Object.assign(process.env, world.env);
  await world.control("PUT", "/_hold", { builds: true });
});
afterAll(() => world?.[Symbol.asyncDispose]());
beforeEach(() => world.control("DELETE", "/_faults"));
afterEach(() => {
  Object.assign(process.env, world.env);
});

const order = (fault: object) => world.control("PUT", "/_faults", fault);

describe("a call that makes something", () => {
  test.each([
    ["before", false, "vercel_failed", 502],
    ["after", true, "vercel_failed", 502],
    ["error500", false, "vercel_failed", 500],
    ["close", false, "vercel_unreachable", undefined],
    ["close-after", true, "vercel_unreachable", undefined],
    ["hang", false, "vercel_unreachable", undefined],
    ["hang-after", true, "vercel_unreachable", undefined],
  ] as const)("%s: done %s, and nobody can tell (%s)", async (fault, done, code, status) => {
    const name = `project-${count++}`;
    await order({ path: "/v11/projects", fault, ms: 50 });
    const making = createProject({ name, repository, marker: "eff_1" }, signal);
    await expect(making).rejects.toMatchObject({
      ...{ name: "Unavailable", code, context: status === undefined ? {} : { status } },
    });
    expect((await readProject(name, signal))?.marker).toBe(done ? "eff_1" : undefined);

    const at = await world.project();
    const marker = `eff_${count++}`;
    await order({ path: "/v13/deployments", fault, ms: 50 });
    await expect(world.deploy(at, { marker })).rejects.toMatchObject({ code });
    const sha = await world.commit();
    const found = await findDeployment({ projectId: at.id, sha, marker }, signal);
    expect(found !== null).toBe(done);

    await order({ path: "/env", fault, ms: 50 });
    const variables = [{ name: "A", value: "a-value-that-is-told-nobody", comment: "c" }];
    const put = putVariables(at.id, { target: "production", variables }, signal);
    await expect(put).rejects.toMatchObject({ code });
    expect(await variablesFor(at.id, "production", signal)).toEqual(done ? ["A"] : []);
  });

  test("gives up when the caller does", async () => {
    await order({ fault: "hang", on: "any" });
    const stop = new AbortController();
    const making = createProject({ name: "given-up", repository, marker: "m" }, stop.signal);
    stop.abort();
    await expect(making).rejects.toMatchObject({ code: "vercel_unreachable" });
  });

  test("is done later when Vercel asks to wait, and says when", async () => {
    await order({ fault: "rate" });
    const making = createProject({ name: "later", repository, marker: "m" }, signal);
    await expect(making).rejects.toMatchObject({
      ...{ name: "Later", code: "vercel_rate_limited", afterMs: 1000 },
    });
    expect(await readProject("later", signal)).toBeNull();
  });
});

test("a project whose making was cut off after its first call is finished by the next try, and by no other", async () => {
  const wanted = { name: "cut-off", repository, marker: "eff_cut" };
  await order({ method: "PATCH", path: "/v9/projects/", fault: "before" });
  await expect(createProject(wanted, signal)).rejects.toMatchObject({ code: "vercel_half_made" });
  const first = await readProject("cut-off", signal);
  expect(first).toMatchObject({ marker: "eff_cut", automatic: true });
  const other = createProject({ ...wanted, marker: "eff_other" }, signal);
  await expect(other).rejects.toMatchObject({ code: "vercel_conflict" });
  expect(await createProject(wanted, signal)).toEqual({ ...first, automatic: false });
  expect(await readProject("cut-off", signal)).toEqual({ ...first, automatic: false });
});

test("a deployment that lists do not show yet is found when they do", async () => {
  const at = await world.project();
  const sha = await world.commit();
  await order({ path: "/v13/deployments", fault: "delayed-reads", ms: 600_000 });
  const made = await world.deploy(at, { marker: "eff_late" });
  const find = () => findDeployment({ projectId: at.id, sha, marker: "eff_late" }, signal);
  expect(await find()).toBeNull();
  expect(await readDeployment(made.id, signal)).toBeNull();
  await world.control("DELETE", "/_faults");
  expect((await find())?.id).toBe(made.id);
});

test("a token or team that is not right is named as such", async () => {
  process.env.VERCEL_TOKEN = "another";
  await expect(readProject("shop", signal)).rejects.toMatchObject({
    ...{ name: "InvalidInput", code: "vercel_token", context: { status: 403 } },
  });
  Object.assign(process.env, world.env, { VERCEL_TEAM_ID: "team_x" });
  try {
    await expect(readProject("shop", signal)).rejects.toMatchObject({ code: "vercel_refused" });
  } finally {
    delete process.env.VERCEL_TEAM_ID;
  }
  delete process.env.VERCEL_TOKEN;
  await expect(readProject("shop", signal)).rejects.toMatchObject({ code: "environment" });
});

test("what is not there is null or NotFound, and what the local Vercel lacks says its name", async () => {
  expect(await readProject("none", signal)).toBeNull();
  expect(await readDeployment("dpl_none", signal)).toBeNull();
  await expect(promoteDeployment("prj_none", "dpl_none", signal)).rejects.toMatchObject({
    ...{ name: "NotFound", code: "vercel_not_found" },
  });
  const headers = { authorization: `Bearer ${world.env.VERCEL_TOKEN}` };
  for (const [path, name] of [
    ["/v9/teams/x/members", "GET /v9/teams/x/members"],
    ["/v7/deployments?app=shop", "`app`"],
  ] as const) {
    const response = await fetch(world.url + path, { headers });
    expect(response.status).toBe(501);
    expect(await response.text()).toContain(name);
  }
});

describe("an answer that Vercel's client cannot read", () => {
  const variables = [{ name: "A", value: "the-value-that-was-sent", comment: "c" }];

  /** The error in which `work` ends when Vercel answers so. */
  async function answering(
    listener: RequestListener,
    work: () => Promise<unknown>,
  ): Promise<Error & Record<string, unknown>> {
    const server = createServer(listener);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    process.env.VERCEL_API_URL = `http://127.0.0.1:${port}`;
    try {
      return await work().then(
        () => new Error("it was taken for an answer"),
        (error) => error,
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  const said =
    (status: number, body: string, type = "application/json"): RequestListener =>
    (_, response) => {
      response.writeHead(status, { "content-type": type });
      response.end(body);
    };

  test.each([
    ["no JSON", said(200, "{"), "vercel_unreachable|vercel_answer"],
    ["HTML", said(200, "<h1>Welcome</h1>", "text/html"), "vercel_answer"],
    ["an empty object", said(200, "{}"), "vercel_answer"],
    ["a state that is none", said(200, state("DANCING")), "vercel_answer"],
    ["no host name", said(200, state("READY", "")), "vercel_answer"],
    ["HTML with 502", said(502, "<h1>Bad gateway</h1>", "text/html"), "vercel_failed"],
    ["17 MB", said(200, `"${"x".repeat(17 * 2 ** 20)}"`), "vercel_unreachable|vercel_answer"],
  ])("%s leaves it open what was done", async (_, listener, codes) => {
    const error = await answering(listener, () => readDeployment("dpl_1", signal));
    expect(error).toMatchObject({ name: "Unavailable", retry: true });
    expect(codes.split("|")).toContain(error.code);
  });

  test("a redirect is not followed: the values that were sent go nowhere else", async () => {
    let elsewhere = 0;
    const other = createServer((_, response) => {
      elsewhere += 1;
      response.end();
    });
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    const listener: RequestListener = (_, response) => response.writeHead(307, { location }).end();
    const error = await answering(listener, () =>
      putVariables("prj_1", { target: "production", variables }, signal),
    );
    other.close();
    expect(error).toMatchObject({ name: "Unavailable", code: "vercel_answer" });
    expect(elsewhere).toBe(0);
  });

  test("whatever is answered, it is facts or an error of ours that tells no value", async () => {
    let next = { status: 200, body: "" };
    const listener: RequestListener = (_, response) => {
      response.writeHead(next.status, { "content-type": "application/json" });
      response.end(next.body);
    };
    const answers = fc.record({
      status: fc.constantFrom(200, 201, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503),
      body: fc.oneof(
        fc.json(),
        fc.string(),
        fc
          .record(
            {
              id: fc.string(),
              url: fc.constantFrom("a.vercel.app", "", variables[0]?.value),
              readyState: fc.constantFrom("READY", "ERROR", "X"),
              projectId: fc.string(),
              envs: fc.array(fc.object()),
              failed: fc.array(fc.record({ error: fc.record({ code: fc.string() }) })),
              meta: fc.object(),
              error: fc.record({ code: fc.string(), message: fc.constant(variables[0]?.value) }),
            },
            { requiredKeys: [] },
          )
          .map((value) => JSON.stringify(value)),
      ),
    });
    const calls = [
      () => readDeployment("dpl_1", signal),
      () => readProject("shop", signal),
      () => putVariables("prj_1", { target: "production", variables }, signal),
    ];
    const told = await answering(listener, async () => {
      await fc.assert(
        fc.asyncProperty(answers, fc.constantFrom(...calls), async (answer, call) => {
          next = answer;
          const error = await call().then(
            () => null,
            (thrown) => thrown,
          );
          if (error === null) return;
          expect(error).toBeInstanceOf(CountersignError);
          if (call === calls[2]) expect(error.message).not.toContain(variables[0]?.value);
        }),
        { numRuns: 150 },
      );
      throw new Error("all were run");
    });
    expect(told.message).toBe("all were run");
  });

  test("a list of variables that is only a part is not taken for the whole", async () => {
    const part = { envs: [], pagination: { count: 0, next: 17, prev: null } };
    const listener = said(200, JSON.stringify(part));
    const error = await answering(listener, () => listVariables("prj_1", signal));
    expect(error).toMatchObject({ code: "vercel_answer" });
  });

  test.each([
    ["a refusal", 400, JSON.stringify({ error: { code: "x", message: variables[0]?.value } })],
    ["a failure", 500, `oops: ${variables[0]?.value}`],
    ["a success without its list", 201, JSON.stringify({ created: variables })],
  ])("%s that repeats a value does not get it into the error", async (_, status, body) => {
    const error = await answering(said(status, body), () =>
      putVariables("prj_1", { target: "production", variables }, signal),
    );
    expect(error).toBeInstanceOf(Error);
    const told = `${error.stack} ${JSON.stringify(error.context)} ${String(error.cause)}`;
    expect(told).not.toContain(variables[0]?.value);
  });

  function state(readyState: string, url = "a.vercel.app"): string {
    return JSON.stringify({ id: "dpl_1", aliasAssigned: false, readyState, url, projectId: "p" });
  }
});
