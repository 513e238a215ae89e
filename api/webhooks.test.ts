import { sign } from "@octokit/webhooks-methods";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { saveRepo } from "#lib/data/repos.server.ts";
import { transaction } from "#lib/data/transaction.server.ts";
import { startTestApi, type TestApi, WEBHOOK_SECRET } from "../test/servers/api.ts";

const SHA = "a1".repeat(20);
const repository = { name: "Shop", owner: { login: "ACME" } };
const push = { ref: "refs/heads/main", after: SHA, repository };

let api: TestApi;
let projects: string[];
let repos: string[];
let delivery: string;
let count = 0;

beforeAll(async () => {
  api = await startTestApi();
  projects = await Promise.all(
    ["one", "two"].map(async (slug) => {
      const made = await api.call("POST", "/api/projects", {
        as: "ann",
        json: { name: slug, slug },
      });
      return made.json.id as string;
    }),
  );
  repos = await Promise.all(
    projects.map(async (projectId) => {
      const facts = { projectId, owner: "acme", name: "shop", defaultBranch: "main" };
      const urls = { htmlUrl: "https://h/acme/shop", cloneUrl: "https://h/acme/shop.git" };
      return (await transaction((tx) => saveRepo({ ...facts, ...urls }, tx))).repoId;
    }),
  );
});
afterAll(() => api.close());
beforeEach(() => {
  delivery = `11111111-0000-4000-8000-${String(count++).padStart(12, "0")}`;
});

async function deliver(kind: string, body: unknown, more: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = {
    ...{ "x-github-event": kind, "x-github-delivery": delivery },
    ...{ "content-type": "application/json" },
    "x-hub-signature-256": await sign(WEBHOOK_SECRET, text),
    ...more,
  };
  return await api.call("POST", "/api/webhooks/github", { body: text, headers });
}

/** The data of the events with this delivery's ids, as the event server has them. */
async function arrived(): Promise<unknown[]> {
  const ids = repos.map((repoId) => `github:${delivery}:${repoId}`);
  const found = await Promise.all(ids.map(eventOf));
  return found.flat();
}

async function eventOf(id: string): Promise<unknown[]> {
  const answer = await fetch(`${api.inngestUrl}/v1/events/${encodeURIComponent(id)}`);
  if (!answer.ok) return [];
  const { name, data } = ((await answer.json()) as { data: { name: string; data: unknown } }).data;
  return [{ name, data }];
}

test("a push becomes one event for each project that has the repository, however it is written", async () => {
  const { status, json } = await deliver("push", push);
  expect({ status, json }).toEqual({ status: 202, json: { events: 2 } });
  const data = { ref: "refs/heads/main", commitSha: SHA };
  const expected = projects.map((projectId, i) => ({
    name: "repo.pushed",
    data: { projectId, repoId: repos[i], ...data },
  }));
  await expect.poll(arrived).toEqual(expected);
});

test.each([
  ["check_run", { check_run: { head_sha: SHA }, repository }],
  ["status", { sha: SHA, repository }],
  ["pull_request", { pull_request: { head: { sha: SHA } }, repository }],
])("%s wakes who waits for the commit, and a replay is the same event", async (kind, body) => {
  const expected = projects.map((projectId, i) => ({
    name: "repo.checked",
    data: { projectId, repoId: repos[i], commitSha: SHA },
  }));
  expect((await deliver(kind, body)).json).toEqual({ events: 2 });
  expect((await deliver(kind, body)).json).toEqual({ events: 2 });
  await expect.poll(arrived).toEqual(expected);
});

test.each<[string, string, unknown, string]>([
  ["a deleted branch", "push", { ...push, after: "0".repeat(40) }, "deleted"],
  ["a tag", "push", { ...push, ref: "refs/tags/v1" }, "no branch"],
  ["an unknown kind", "star", { action: "created" }, "not followed"],
  [
    "an unknown repository",
    "push",
    { ...push, repository: { ...repository, name: "x" } },
    "no project",
  ],
])("%s is taken and ignored", async (_, kind, body, why) => {
  const { status, json } = await deliver(kind, body);
  expect({ status, events: json.events }).toEqual({ status: 202, events: 0 });
  expect(json.ignored).toContain(why);
  expect(await arrived()).toEqual([]);
});

test.each<[string, number, string, unknown, Record<string, string>?]>([
  ["no signature", 401, "webhook_signature", push, { "x-hub-signature-256": "" }],
  [
    "another's signature",
    401,
    "webhook_signature",
    push,
    { "x-hub-signature-256": `sha256=${"0".repeat(64)}` },
  ],
  [
    "the old kind of signature",
    401,
    "webhook_signature",
    push,
    { "x-hub-signature-256": `sha1=${"0".repeat(40)}` },
  ],
  ["what is not JSON", 400, "malformed_body", "payload=%7B%7D"],
  ["JSON of another shape", 422, "webhook_body", { ref: 1, repository }],
  ["JSON that is no object", 422, "webhook_body", "null"],
  [
    "a ref that no event can hold",
    422,
    "webhook_body",
    { ...push, ref: `refs/heads/${"x".repeat(300)}` },
  ],
  ["no id of its own", 422, "webhook_delivery", push, { "x-github-delivery": "a b" }],
  ["too many bytes", 413, "too_large", "x".repeat(5 * 1024 * 1024 + 1)],
])(
  "a delivery with %s is refused with %i and changes nothing",
  async (_, status, code, body, headers) => {
    const before = await api.snapshot();
    const answer = await deliver("push", body, headers);
    expect({ status: answer.status, code: answer.json.code }).toEqual({ status, code });
    expect(await api.snapshot()).toEqual(before);
    expect(await arrived()).toEqual([]);
  },
);

test("a signature is over the bytes: one that is changed is refused, also where both are no UTF-8", async () => {
  const text = JSON.stringify(push);
  const headers = {
    ...{ "x-github-event": "push", "x-github-delivery": delivery },
    "x-hub-signature-256": await sign(WEBHOOK_SECRET, text),
  };
  for (const bytes of [
    Buffer.from(` ${text}`),
    Buffer.concat([Buffer.from(text), Buffer.from([0xff])]),
    Buffer.from(`\ufeff${text}`),
  ]) {
    const call = { body: new Uint8Array(bytes), headers };
    expect((await api.call("POST", "/api/webhooks/github", call)).status).toBe(401);
  }
});

test("without a secret none is taken, and the answer says so", async () => {
  delete process.env.GITHUB_WEBHOOK_SECRET;
  try {
    const { status, json } = await deliver("push", push);
    expect({ status, code: json.code }).toEqual({ status: 503, code: "webhooks_not_set_up" });
  } finally {
    process.env.GITHUB_WEBHOOK_SECRET = WEBHOOK_SECRET;
  }
});
