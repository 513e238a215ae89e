import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { acceptMessage } from "#lib/chat/accept.ts";
import { approvalsOfRun } from "#lib/data/approvals.server.ts";
import { insertChunks } from "#lib/data/chunks.server.ts";
import { effectsOfApproval } from "#lib/data/effect-lists.server.ts";
import { planEffects } from "#lib/effects/plan.ts";
import { saveSkill } from "#lib/model/put-skill.ts";
import { registerKey } from "#lib/policy/keys.ts";
import { acceptRun } from "#lib/runs/accept.ts";
import { upsertTexts } from "#lib/upstash/vector.ts";
import { type Call, startTestApi, type TestApi } from "../test/servers/api.ts";
import { approverKey } from "../test/support/keys.ts";

/** What one owner has: a project with a searchable file and a run that waits, all full of a word that nobody else has. */
interface Estate {
  readonly owner: string;
  readonly word: string;
  readonly projectId: string;
  readonly fileId: string;
  readonly chunkId: string;
  readonly runId: string;
  readonly approvalId: string;
  readonly effectId: string;
  readonly keyId: string;
  readonly artifactId: string;
  readonly threadId: string;
}

/** The ids of an estate by their names in a route. */
const IDS = [
  "projectId",
  "fileId",
  "runId",
  "approvalId",
  "effectId",
  "keyId",
  "artifactId",
  "threadId",
] as const;
const NOWHERE = {
  ...{ projectId: "proj_nowhere", fileId: "file_nowhere", runId: "run_nowhere" },
  ...{ approvalId: "appr_nowhere", effectId: "eff_nowhere", keyId: "0".repeat(32) },
  ...{ artifactId: "art_nowhere", threadId: "thr_nowhere" },
};

type Send = Omit<Call, "as">;

/** A way to ask for what is another's, and what must come back. */
interface Attempt {
  readonly what: string;
  readonly path: (mine: Estate, theirs: Estate) => string;
  readonly send?: Send | ((mine: Estate, theirs: Estate) => Send);
  readonly status: number;
}

const files = ({ projectId }: Estate) => `/api/projects/${projectId}/files`;
const upload = { body: "new content" };
const project = ({ projectId }: Estate) => `/api/projects/${projectId}`;
const decision = { json: { intentHash: "0".repeat(64) } };
const newRun = {
  kind: "implementation",
  input: { target: "ledger", book: "mine", entries: [{ name: "a", value: "1" }] },
};

/** A route about one thing by its id, which somebody else asks for. */
const theirs = (
  what: string,
  path: (theirs: Estate) => string,
  send?: Attempt["send"],
): Attempt => ({
  what,
  path: (_, estate) => path(estate),
  ...(send && { send }),
  status: 404,
});

const sent = (send: Attempt["send"], mine: Estate, theirs: Estate): Send =>
  typeof send === "function" ? send(mine, theirs) : { ...send };

/** Every route has its rows here: a route without one fails the first test. */
const ATTEMPTS: Record<string, "public" | "signed" | readonly Attempt[]> = {
  "GET /api/events/schema": "public",
  "GET /api/health": "public",
  "POST /api/webhooks/github": "signed",
  "POST /api/webhooks/vercel": "signed",
  "GET /api/projects": [{ what: "a list", path: () => "/api/projects?limit=100", status: 200 }],
  "POST /api/projects": [
    {
      what: "a project with their slug",
      path: () => "/api/projects",
      send: { json: { name: "Mine", slug: "same-slug" } },
      status: 409, // my own has it; theirs does not matter
    },
    {
      what: "a project under their id",
      path: () => "/api/projects",
      send: { json: { id: "proj_x", name: "Mine", slug: "other" } },
      status: 422,
    },
  ],
  "GET /api/projects/{projectId}": [
    {
      what: "their project",
      path: (_, { projectId }) => `/api/projects/${projectId}`,
      status: 404,
    },
  ],
  "DELETE /api/projects/{projectId}": [
    {
      what: "their project",
      path: (_, { projectId }) => `/api/projects/${projectId}`,
      status: 404,
    },
  ],
  "GET /api/projects/{projectId}/files": [
    { what: "their files", path: (_, theirs) => files(theirs), status: 404 },
    { what: "my files", path: (mine) => files(mine), status: 200 },
  ],
  "POST /api/projects/{projectId}/files": [
    {
      what: "a file for their project",
      path: (_, theirs) => `${files(theirs)}?name=a.txt`,
      send: upload,
      status: 404,
    },
  ],
  "GET /api/projects/{projectId}/files/{fileId}": [
    { what: "their file", path: (_, theirs) => `${files(theirs)}/${theirs.fileId}`, status: 404 },
    {
      what: "their file by my project",
      path: (mine, { fileId }) => `${files(mine)}/${fileId}`,
      status: 404,
    },
  ],
  "DELETE /api/projects/{projectId}/files/{fileId}": [
    { what: "their file", path: (_, theirs) => `${files(theirs)}/${theirs.fileId}`, status: 404 },
    {
      what: "their file by my project",
      path: (mine, { fileId }) => `${files(mine)}/${fileId}`,
      status: 404,
    },
  ],
  "GET /api/search": [
    {
      what: "their project",
      path: (_, { projectId, word }) => `/api/search?projectId=${projectId}&q=${word}`,
      status: 404,
    },
    {
      what: "their words in my project",
      path: ({ projectId }, { word }) => `/api/search?projectId=${projectId}&q=${word}&topK=50`,
      status: 200,
    },
  ],
  "GET /api/projects/{projectId}/repos": [
    {
      what: "their repositories",
      path: (_, { projectId }) => `/api/projects/${projectId}/repos`,
      status: 404,
    },
    {
      what: "my repositories",
      path: ({ projectId }) => `/api/projects/${projectId}/repos`,
      status: 200,
    },
  ],
  "GET /api/projects/{projectId}/runs": [theirs("their runs", (t) => `${project(t)}/runs`)],
  "POST /api/projects/{projectId}/runs": [
    theirs("a run in their project", (t) => `${project(t)}/runs`, { json: newRun }),
  ],
  "GET /api/runs/{runId}": [theirs("their run", ({ runId }) => `/api/runs/${runId}`)],
  "GET /api/runs/{runId}/jobs": [
    theirs("jobs of their run", ({ runId }) => `/api/runs/${runId}/jobs`),
  ],
  "GET /api/runs/{runId}/bundle": [
    theirs("the bundle of their run", ({ runId }) => `/api/runs/${runId}/bundle`),
  ],
  "POST /api/runs/{runId}/cancel": [
    theirs("their run", ({ runId }) => `/api/runs/${runId}/cancel`, { json: { reason: "mine" } }),
  ],
  "GET /api/approvals": [
    { what: "a list", path: () => "/api/approvals?limit=100", status: 200 },
    {
      what: "those of their project",
      path: (_, { projectId }) => `/api/approvals?projectId=${projectId}`,
      status: 200,
    },
  ],
  "GET /api/approvals/{approvalId}": [
    theirs("their approval", ({ approvalId }) => `/api/approvals/${approvalId}`),
  ],
  ...Object.fromEntries(
    ["grant", "deny", "revoke"].map((verb) => [
      `POST /api/approvals/{approvalId}/${verb}`,
      [theirs("theirs", ({ approvalId }) => `/api/approvals/${approvalId}/${verb}`, decision)],
    ]),
  ),
  "GET /api/projects/{projectId}/effects": [
    theirs("their effects", (t) => `${project(t)}/effects`),
  ],
  "GET /api/projects/{projectId}/resources": [
    theirs("their resources", (t) => `${project(t)}/resources`),
  ],
  "GET /api/projects/{projectId}/deployments": [
    theirs("their deployments", (t) => `${project(t)}/deployments`),
  ],
  "GET /api/projects/{projectId}/findings": [
    theirs("their findings", (t) => `${project(t)}/findings`),
  ],
  "GET /api/effects/{effectId}": [
    theirs("their effect", ({ effectId }) => `/api/effects/${effectId}`),
  ],
  "POST /api/effects/{effectId}/resolve": [
    theirs("their effect", ({ effectId }) => `/api/effects/${effectId}/resolve`, {
      json: { resolution: "abandon" },
    }),
  ],
  "GET /api/projects/{projectId}/policy": [theirs("their policy", (t) => `${project(t)}/policy`)],
  "PUT /api/projects/{projectId}/policy": [
    theirs("their policy", (t) => `${project(t)}/policy`, { json: {} }),
  ],
  "GET /api/projects/{projectId}/keys": [theirs("their keys", (t) => `${project(t)}/keys`)],
  "POST /api/projects/{projectId}/keys": [
    theirs("a key for their project", (t) => `${project(t)}/keys`, {
      json: { publicKey: approverKey().publicKey },
    }),
  ],
  "DELETE /api/projects/{projectId}/keys/{keyId}": [
    theirs("their key", (t) => `${project(t)}/keys/${t.keyId}`),
    {
      what: "their key by my project",
      path: (mine, { keyId }) => `${project(mine)}/keys/${keyId}`,
      status: 404,
    },
  ],
  "GET /api/projects/{projectId}/artifacts": [
    theirs("their artifacts", (t) => `${project(t)}/artifacts`),
    { what: "mine", path: (mine) => `${project(mine)}/artifacts`, status: 200 },
  ],
  "GET /api/artifacts/{artifactId}": [
    theirs("their artifact", ({ artifactId }) => `/api/artifacts/${artifactId}`),
  ],
  "GET /api/export/{projectId}": [
    theirs("their artifacts", ({ projectId }) => `/api/export/${projectId}`),
    { what: "mine", path: ({ projectId }) => `/api/export/${projectId}`, status: 200 },
  ],
  "GET /api/projects/{projectId}/threads": [
    theirs("their threads", (t) => `${project(t)}/threads`),
    { what: "mine", path: (mine) => `${project(mine)}/threads`, status: 200 },
  ],
  "GET /api/threads/{threadId}": [theirs("theirs", (t) => `/api/threads/${t.threadId}`)],
  "POST /api/threads/{threadId}/messages": [
    theirs(
      "a message in their project",
      ({ threadId }) => `/api/threads/${threadId}/messages`,
      (_, { projectId }) => ({ json: { projectId, content: "hello" } }),
    ),
    {
      // Taken as any event is; whoever reads it refuses it (test/chat.test.ts).
      what: "a message of my project in their thread",
      path: (_, { threadId }) => `/api/threads/${threadId}/messages`,
      send: ({ projectId }) => ({ json: { projectId, content: "hello" } }),
      status: 202,
    },
  ],
  "GET /api/projects/{projectId}/skills": [
    theirs("their skills", (t) => `${project(t)}/skills`),
    { what: "mine", path: (mine) => `${project(mine)}/skills`, status: 200 },
  ],
  "PUT /api/projects/{projectId}/skills/{name}": [
    theirs("a skill for their project", (t) => `${project(t)}/skills/a`, {
      json: { content: "Be brief.", description: "How to be brief" },
    }),
  ],
  "DELETE /api/projects/{projectId}/skills/{name}": [
    theirs("their skill", (t) => `${project(t)}/skills/skill-${t.owner}`),
    {
      what: "their skill by my project",
      path: (mine, { owner }) => `${project(mine)}/skills/skill-${owner}`,
      status: 404,
    },
  ],
  "GET /api/projects/{projectId}/audit": [
    theirs("their audit chain", (t) => `${project(t)}/audit`),
    { what: "mine", path: (mine) => `${project(mine)}/audit`, status: 200 },
  ],
};

let api: TestApi;
let ann: Estate;
let bob: Estate;

beforeAll(async () => {
  api = await startTestApi();
  ann = await estate("ann", "zirconium");
  bob = await estate("bob", "molybdenum");
});
afterAll(() => api.close());

async function estate(owner: string, word: string): Promise<Estate> {
  const json = { name: `Project ${word}`, slug: "same-slug" };
  const projectId = (await api.call("POST", "/api/projects", { as: owner, json })).json.id;
  const content = `The ${word} report is secret.`;
  const path = `/api/projects/${projectId}/files?name=${word}.txt`;
  const file = (await api.call("POST", path, { as: owner, body: content })).json;
  const chunkId = `chunk-${word}`;
  const chunk = {
    id: chunkId,
    ordinal: 0,
    content,
    breadcrumbs: "",
    tokenCount: 8,
    pageStart: null,
    pageEnd: null,
    startOffset: 0,
    endOffset: content.length,
  };
  const fileOf = { projectId, fileId: file.id };
  await insertChunks({
    ...fileOf,
    fileSha256: file.sha256,
    extractionVersion: 1,
    chunks: [chunk],
  });
  const metadata = { ...fileOf, type: "chunk", chunkId, pageStart: -1, pageEnd: -1 } as const;
  await upsertTexts(`project:${projectId}:chunks`, [{ id: chunkId, data: content, metadata }]);
  const threadId = `thr-${owner}`;
  await acceptMessage({ projectId, threadId, messageId: `msg-${owner}`, content });
  const skill = { content, description: content };
  await saveSkill({ projectId, name: `skill-${owner}`, ...skill });
  return {
    owner,
    threadId,
    word,
    projectId,
    fileId: file.id,
    chunkId,
    ...(await waitingRun(projectId, owner, word)),
  };
}

/** A run that waits for an approval, with the key of who may give it. */
async function waitingRun(projectId: string, owner: string, word: string) {
  const entries = [{ name: `${word} entry`, value: word }];
  const input = { target: "ledger", book: word, entries };
  const asked = { projectId, kind: "implementation" as const, input, requestedBy: owner };
  const { runId } = await acceptRun({ ...asked, eventId: `event-${word}` });
  const params = { book: word, head: "h0", name: `${word} entry`, value: word };
  const wishes = [{ stepId: "create-1", kind: "ledger.entry", params }];
  await planEffects({ runId, stepId: "ledger", wishes });
  const [approval] = await approvalsOfRun({ runId });
  const approvalId = approval?.id ?? "";
  const [effect] = await effectsOfApproval({ approvalId });
  const { publicKey } = approverKey();
  const key = await registerKey({ projectId, owner, publicKey, by: owner });
  const artifactId = approval?.planArtifactId ?? "";
  return { runId, approvalId, effectId: effect?.id ?? "", keyId: key.id, artifactId };
}

/** The routes as we publish them. */
async function published(): Promise<{ route: string; secured: boolean }[]> {
  const { json } = await api.call("GET", "/api/openapi.json");
  return Object.entries<Record<string, { security?: unknown[] }>>(json.paths).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, { security = [] }]) => ({
        route: `${method.toUpperCase()} ${path}`,
        secured: security.length > 0,
      })),
  );
}

describe("every route", () => {
  it("has its attempts in this table, and says in its description whether it is public", async () => {
    const routes = await published();
    expect(routes.map(({ route }) => route).sort()).toEqual(Object.keys(ATTEMPTS).sort());
    for (const { route, secured } of routes) {
      expect(secured, route).toBe(ATTEMPTS[route] !== "public");
    }
  });

  it("wants a token unless it is public", async () => {
    const before = await api.snapshot();
    for (const [route, attempts] of Object.entries(ATTEMPTS)) {
      const [method = "", template = ""] = route.split(" ");
      const path = IDS.reduce((text, name) => text.replace(`{${name}}`, ann[name]), template);
      for (const authorization of ["", "Bearer x.y.z"]) {
        const { status, json } = await api.call(method, path, { headers: { authorization } });
        expect(status, route).toBe(attempts === "public" ? 200 : 401);
        const code = attempts === "signed" ? /^webhook_signature$/ : /^token_/;
        if (status === 401) expect(json.code).toMatch(code);
      }
    }
    expect(await api.snapshot()).toEqual(before);
  });
});

const rows = Object.entries(ATTEMPTS).flatMap(([route, attempts]) =>
  typeof attempts === "string" ? [] : attempts.map((attempt) => ({ route, ...attempt })),
);

describe.each([
  ["bob", "ann", () => ({ mine: bob, theirs: ann })],
  ["ann", "bob", () => ({ mine: ann, theirs: bob })],
])("%s and what is %s's", (_me, _they, who) => {
  it.each(rows)("$route: $what", async ({ route, path, send, status }) => {
    const { mine, theirs } = who();
    const before = await api.snapshot();
    const [method = ""] = route.split(" ");
    const answer = await api.call(method, path(mine, theirs), {
      as: mine.owner,
      ...sent(send, mine, theirs),
    });
    expect(answer.status).toBe(status);
    // What was asked for may be repeated in a refusal; nothing else of theirs may appear.
    const said = answer.text.replaceAll(path(mine, theirs).split("?")[0] ?? "", "");
    expect(said).not.toContain(theirs.word);
    expect(said).not.toContain(theirs.chunkId);
    if (status === 200) {
      for (const name of IDS) expect(said).not.toContain(theirs[name]);
    }
    expect(await api.snapshot()).toEqual(before);
  });

  it.each(rows.filter(({ status }) => status === 404))(
    "$route: $what looks like what does not exist",
    async ({ route, path, send }) => {
      const { mine, theirs } = who();
      const [method = ""] = route.split(" ");
      const ask = async (target: Estate) => {
        const same = { "x-request-id": "same" };
        const call = { as: mine.owner, headers: same, ...sent(send, mine, target) };
        const { status, text } = await api.call(method, path(mine, target), call);
        return { status, text: IDS.reduce((said, id) => said.replaceAll(target[id], ""), text) };
      };
      expect(await ask(theirs)).toEqual(await ask({ ...theirs, ...NOWHERE }));
    },
  );
});

describe("an owner", () => {
  let before: Awaited<ReturnType<TestApi["snapshot"]>>;
  beforeEach(async () => {
    before = await api.snapshot();
  });

  it("finds their own", async () => {
    for (const mine of [ann, bob]) {
      const query = `projectId=${mine.projectId}&q=${mine.word}&types=chunk`;
      const { status, json } = await api.call("GET", `/api/search?${query}`, { as: mine.owner });
      expect(status).toBe(200);
      expect(json.warning).toBeUndefined();
      expect(json.hits).toEqual([
        expect.objectContaining({ chunkId: mine.chunkId, file: `${mine.word}.txt` }),
      ]);
    }
    expect(await api.snapshot()).toEqual(before);
  });

  it("removes a file by an event, and a project at once and by an event", async () => {
    const { projectId, fileId, owner } = bob;
    const path = `${files(bob)}/${fileId}`;
    const call = { as: owner, headers: { "x-request-id": "removal" } };
    expect((await api.call("DELETE", path, call)).status).toBe(202);
    const removal = { projectId, fileId, by: owner };
    expect(await api.accepted("file.removed", removal, "removal")).toBe(true);

    for (const _ of ["once", "again"]) {
      expect((await api.call("DELETE", `/api/projects/${projectId}`, call)).status).toBe(202);
      expect((await api.call("GET", `/api/projects/${projectId}`, { as: owner })).status).toBe(404);
      expect((await api.call("GET", path, { as: owner })).status).toBe(404);
    }
    const deletion = { projectId, by: owner };
    expect(await api.accepted("project.deleted", deletion, "removal")).toBe(true);
    const list = await api.call("GET", "/api/projects", { as: owner });
    expect(list.json).toEqual({ items: [], nextCursor: null });
  });
});
