import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { promoteDeployment, readDeployment } from "#lib/vercel/deployments.ts";
import { readProject } from "#lib/vercel/projects.ts";
import { startPartProcess } from "#local/process.ts";
import { cloud, page } from "#local/vercel/testing.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const { signal } = new AbortController();

/** Somebody who hears of deployments, and fails the first `failing` times. */
async function receiver(failing = 0) {
  const heard: { type: string; body: string; signature: string; status: number }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString("utf8");
    const status = heard.length < failing ? 503 : 202;
    const signature = String(request.headers["x-vercel-signature"]);
    heard.push({ type: JSON.parse(body).type, body, signature, status });
    response.writeHead(status).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    heard,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    /** What was taken, in the order in which it came. */
    taken: () => heard.filter(({ status }) => status === 202).map(({ type }) => type),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const before = { ...process.env };
beforeEach(() => {
  delete process.env.VERCEL_TEAM_ID;
});
afterEach(() => {
  process.env = { ...before };
});

test("killed in the middle of a build, it builds again; what is served keeps its addresses", async () => {
  await using world = await cloud();
  const part = await startPartProcess(
    new URL("../local/vercel/main.ts", import.meta.url).pathname,
    {
      dir: join(world.github.work, "killed"),
      args: ["--github-url", world.github.url],
      env: { GITHUB_TOKEN: world.github.token },
      onLine: () => undefined,
    },
  );
  Object.assign(process.env, part.env);
  const control = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${part.env.VERCEL_TOKEN}` };
    await fetch(part.url + path, { method: "PUT", headers, body: JSON.stringify(body) });
  };
  let again = part;
  try {
    const at = await world.project();
    const first = await world.deploy(at);
    await world.reached(first.id);
    await promoteDeployment(at.id, first.id, signal);
    const served = await readProject(at.id, signal);
    await control("/_builds", { fault: "hang" });
    const second = await world.deploy(at);
    await world.reached(second.id, ["building"]);
    await part.kill();

    again = await startPartProcess(new URL("../local/vercel/main.ts", import.meta.url).pathname, {
      dir: join(world.github.work, "killed"),
      port: Number(new URL(part.url).port),
      args: ["--github-url", world.github.url],
      env: { GITHUB_TOKEN: world.github.token },
      onLine: () => undefined,
    });
    expect(again.env).toEqual(part.env);
    expect(await world.reached(second.id)).toEqual({ ...second, state: "ready" });
    expect(await page(second.url)).toBe("200 <h1>First</h1>");
    expect(await readProject(at.id, signal)).toEqual(served);
    expect(await page(served?.productionUrl ?? "")).toBe("200 <h1>First</h1>");
  } finally {
    await again.close();
  }
});

test("a port that somebody else has after a restart is replaced by another one", async () => {
  await using world = await cloud();
  Object.assign(process.env, world.env);
  const at = await world.project();
  const made = await world.deploy(at);
  await world.reached(made.id);
  const taken = createTcpServer();
  const { port } = new URL(made.url);
  const restarting = world.restart(async () => {
    taken.listen(Number(port), "127.0.0.1");
    await once(taken, "listening");
  });
  try {
    await restarting;
    const now = await readDeployment(made.id, signal);
    expect(now?.url).not.toBe(made.url);
    expect(await page(now?.url ?? "")).toBe("200 <h1>First</h1>");
  } finally {
    taken.close();
  }
});

test("who is not there or fails hears of everything later, signed and in order; a restart loses nothing", async () => {
  await using hook = await receiver(2);
  await using world = await cloud({ webhookUrl: hook.url });
  Object.assign(process.env, world.env);
  const at = await world.project();
  const made = await world.deploy(at);
  await world.reached(made.id);
  await promoteDeployment(at.id, made.id, signal);
  await world.restart();
  const all = ["deployment.created", "deployment.succeeded", "deployment.promoted"];
  await expect.poll(hook.taken, { timeout: 30_000 }).toEqual(all);
  for (const { body, signature } of hook.heard) {
    const secret = world.env.VERCEL_WEBHOOK_SECRET ?? "";
    expect(signature).toBe(createHmac("sha1", secret).update(body).digest("hex"));
  }
  const [first, ...others] = hook.heard.map(({ body }) => JSON.parse(body));
  // The same delivery, until it was taken.
  expect(others.slice(0, 2)).toEqual([first, first]);
  expect(first.payload.deployment).toMatchObject({
    id: made.id,
    meta: { githubCommitSha: made.sha },
  });
});

test("for a team every call names it", async () => {
  await using world = await cloud({ teamId: "team_local" });
  Object.assign(process.env, world.env);
  expect(world.env.VERCEL_TEAM_ID).toBe("team_local");
  const at = await world.project();
  expect(await readProject(at.name, signal)).toEqual(at);
  delete process.env.VERCEL_TEAM_ID;
  await expect(readProject(at.name, signal)).rejects.toMatchObject({ code: "vercel_refused" });
});
