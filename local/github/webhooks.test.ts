import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { verify } from "@octokit/webhooks-methods";
import { expect, test, vi } from "vitest";
import { until } from "../client.ts";
import { freePort } from "../free-port.ts";
import { startPartProcess } from "../process.ts";
import { client } from "./people.ts";
import { startGithub } from "./server.ts";
import { type At, hub } from "./testing.ts";

// Processes of git start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 90_000 });

interface Told {
  readonly event: string;
  readonly guid: string;
  readonly signature: string;
  readonly text: string;
  readonly body: { action?: string; [key: string]: unknown };
}

/** A receiver of webhooks that keeps what it was told. */
async function receiver(port = 0, status = 202) {
  const told: Told[] = [];
  const server = createServer(async (request, response) => {
    const text = await textOf(request);
    const header = (name: string) => String(request.headers[name]);
    told.push({
      event: header("x-github-event"),
      guid: header("x-github-delivery"),
      signature: header("x-hub-signature-256"),
      ...{ text, body: JSON.parse(text) },
    });
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const names = () => told.map(({ event, body }) => [event, body.action].filter(Boolean).join("."));
  return {
    told,
    names,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("everything that happens is told in order, signed, with GitHub's fields", async () => {
  await using heard = await receiver();
  await using world = await hub({ webhookUrl: heard.url });
  const { rest } = world.octokit;
  const at = await world.repository("shop", { "a.txt": "1\n" });
  const sha = await world.push(at, "work", { "b.txt": "1\n" });
  await rest.pulls.create({ ...at, title: "Work", head: "work", base: "main" });
  const moved = await world.push(at, "work", { "b.txt": "2\n" });
  await rest.repos.createCommitStatus({ ...at, sha: moved, state: "success", context: "ci" });
  const run = { ...at, name: "lint", head_sha: moved };
  await rest.checks.create({ ...run, status: "completed", conclusion: "failure" });
  const { data: merged } = await rest.pulls.merge({ ...at, pull_number: 1, sha: moved });
  const expected = [
    ...["push", "push", "pull_request.opened", "push", "pull_request.synchronize", "status"],
    ...["check_run.created", "check_run.completed", "push", "pull_request.closed"],
  ];
  await until("all deliveries", async () => heard.told.length >= expected.length);
  expect(heard.names()).toEqual(expected);
  for (const { text, signature } of heard.told) {
    expect(await verify(world.secret, text, signature)).toBe(true);
    expect(await verify("another secret", text, signature)).toBe(false);
  }
  expect(new Set(heard.told.map(({ guid }) => guid)).size).toBe(expected.length);
  const [first, second, , third, synchronize, status, , check, push, closed] = heard.told;
  const repository = { full_name: "acme/shop", name: "shop", owner: { login: "acme" } };
  const zero = "0".repeat(40);
  expect(first?.body).toMatchObject({ repository, ref: "refs/heads/main", before: zero });
  expect(second?.body).toMatchObject({ after: sha, created: true, sender: { login: "acme" } });
  expect(third?.body).toMatchObject({
    ...{ before: sha, after: moved, forced: false },
    commits: [{ id: moved, modified: ["b.txt"] }],
  });
  expect(synchronize?.body).toMatchObject({ pull_request: { head: { sha: moved } }, before: sha });
  expect(status?.body).toMatchObject({ sha: moved, state: "success", context: "ci" });
  expect(check?.body).toMatchObject({
    check_run: { name: "lint", head_sha: moved, status: "completed", conclusion: "failure" },
  });
  expect(push?.body).toMatchObject({ ref: "refs/heads/main", after: merged.sha });
  expect(closed?.body).toMatchObject({
    number: 1,
    pull_request: { merged: true, merge_commit_sha: merged.sha, head: { ref: "work" } },
  });
});

test("a receiver that was down gets all of it, in order, when it is back; a refusal is not repeated", async () => {
  const port = await freePort();
  await using world = await hub({ webhookUrl: `http://127.0.0.1:${port}/hook` });
  const at = await world.repository("shop", { "a.txt": "1\n" });
  const { data } = await world.octokit.rest.git.getRef({ ...at, ref: "heads/main" });
  const { sha } = data.object;
  for (const context of ["c0", "c1", "c2"]) {
    await world.octokit.rest.repos.createCommitStatus({ ...at, sha, state: "success", context });
  }
  interface Deliveries {
    deliveries: { state: string; attempts: number; status: number | null }[];
  }
  const deliveries = async () =>
    (await world.control<Deliveries>("GET", "/_deliveries")).deliveries.toReversed();
  await until("an attempt", async () => ((await deliveries())[0]?.attempts ?? 0) > 0);
  {
    await using heard = await receiver(port);
    await until("all deliveries", async () => heard.told.length >= 4);
    expect(heard.told.map(({ body }) => body.context ?? body.ref)).toEqual([
      ...["refs/heads/main", "c0", "c1", "c2"],
    ]);
  }
  await using refusing = await receiver(port, 401);
  await world.octokit.rest.repos.createCommitStatus({ ...at, sha, state: "error" });
  await until("the refusal", async () => (await deliveries()).at(-1)?.state === "failed");
  expect(refusing.told).toHaveLength(1);
  expect((await deliveries()).at(-1)).toMatchObject({ status: 401, attempts: 1 });
});

test("a hook of one repository is made once, asks for its events and never tells its secret", async () => {
  await using heard = await receiver();
  await using world = await hub();
  const { rest } = world.octokit;
  const at = await world.repository("shop", { "a.txt": "1\n" });
  const config = { url: heard.url, content_type: "json", secret: "s3cret of this hook" };
  const hook = { ...at, config, events: ["status"] };
  const { data } = await rest.repos.createWebhook(hook);
  expect(data).toMatchObject({ events: ["status"], config: { secret: "********" } });
  await expect(rest.repos.createWebhook(hook)).rejects.toMatchObject({ status: 422 });
  expect((await rest.repos.listWebhooks(at)).data).toEqual([data]);
  const sha = await world.push(at, "work", { "b.txt": "1\n" });
  await rest.repos.createCommitStatus({ ...at, sha, state: "pending" });
  await until("both", async () => heard.told.length >= 2);
  expect(heard.names()).toEqual(["ping", "status"]);
  const [, { text = "", signature = "" } = {}] = heard.told;
  expect(await verify(config.secret, text, signature)).toBe(true);
});

test("all of it survives kill -9; what nobody was told yet is told by the next start", async () => {
  await using heard = await receiver();
  const down = `http://127.0.0.1:${await freePort()}/hook`;
  await using world = await hub();
  const dir = `${world.work}/killed`;
  const entry = new URL("./main.ts", import.meta.url).pathname;
  const first = await startPartProcess(entry, { dir, args: ["--webhook-url", down] });
  const { GITHUB_API_URL: api = "", GITHUB_TOKEN: token = "" } = first.env;
  const at: At = { owner: "acme", repo: "shop" };
  const { rest } = client(api, token);
  await rest.repos.createForAuthenticatedUser({ name: "shop", auto_init: true });
  const file = { ...at, path: "b.txt", content: btoa("1"), message: "b" };
  const main = (await rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
  await rest.git.createRef({ ...at, ref: "refs/heads/work", sha: main });
  await rest.repos.createOrUpdateFileContents({ ...file, branch: "work" });
  const { data: pull } = await rest.pulls.create({ ...at, title: "t", head: "work", base: "main" });
  await rest.repos.createCommitStatus({ ...at, sha: pull.head.sha, state: "success" });
  await first.kill();

  await using again = await ended({ dir, webhookUrl: heard.url });
  expect(again.env.GITHUB_TOKEN).toBe(token);
  const next = client(again.env.GITHUB_API_URL ?? "", token).rest;
  const status = await next.repos.getCombinedStatusForRef({ ...at, ref: pull.head.sha });
  expect(status.data.state).toBe("success");
  await until("what was waiting", async () => heard.told.length >= 5);
  expect(heard.names().slice(0, 5)).toEqual([
    ...["push", "push", "push", "pull_request.opened", "status"],
  ]);
  await next.pulls.merge({ ...at, pull_number: 1, sha: pull.head.sha });
  expect((await next.pulls.get({ ...at, pull_number: 1 })).data.merged).toBe(true);
});

async function ended(options: Parameters<typeof startGithub>[0]) {
  const part = await startGithub(options);
  return { ...part, [Symbol.asyncDispose]: () => part.close() };
}
