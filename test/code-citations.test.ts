import { hash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Client, until } from "#local/client.ts";
import { type OpenAiServer, startOpenAi } from "./servers/openai.ts";
import { makeProject, type TestCloud, testCloud } from "./support/cloud.ts";
import { type TestRepository, testRepository } from "./support/repository.ts";
import { Researcher } from "./support/research.ts";

const KEY = "sk-test-0123456789abcdefghij";
const GUARD = [
  "/** Access is denied unless the session token of the user is valid and its role may read. */",
  "export function requireAccess(session: { valid: boolean; role: string }): void {",
  '  if (!session.valid) throw new Error("the session token is not valid");',
  '  if (session.role !== "reader") throw new Error("the role may not read");',
  "}",
  "",
].join("\n");
const READER = 'if (session.role !== "reader")';
const LOOSER = GUARD.replace('"reader"', '"guest"');

interface CodeCitation {
  readonly type: string;
  readonly repoId: string;
  readonly codePath: string;
  readonly commitSha: string;
  readonly lineStart: number;
  readonly lineEnd: number;
  readonly codeSha256: string;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly quote: string;
  readonly outdated: boolean;
}

let server: OpenAiServer;
/** In front of the model, which it lets wait for {@link before}. */
let slow: Server;
let before = async () => {};
/** Writes without a model, and with one. */
let plain: Place;
let modelled: Place;

interface Place {
  readonly world: TestCloud;
  readonly client: Client;
  readonly desk: Researcher;
  readonly repository: TestRepository;
}

async function place(env?: Record<string, string>): Promise<Place> {
  const world = await testCloud(env ? { env } : {});
  const client = await world.client();
  const repository = await testRepository("guard", world.cloud.env);
  return { world, client, repository, desk: new Researcher(world, client) };
}

beforeAll(async () => {
  server = await startOpenAi({ key: KEY });
  plain = await place();
  slow = createServer(async (request, response) => {
    const body = await text(request);
    await before();
    const headers = {
      authorization: request.headers.authorization ?? "",
      "content-type": "application/json",
    };
    const url = `${server.url.replace(/\/v1$/, "")}${request.url}`;
    const answer = await fetch(url, { method: "POST", headers, body });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(await answer.text());
  });
  slow.listen(0, "127.0.0.1");
  await once(slow, "listening");
  const MODEL_URL = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/v1`;
  modelled = await place({ MODEL: "test/model", MODEL_URL, MODEL_API_KEY: KEY });
}, 120_000);
afterEach(() => {
  before = async () => {};
  server.replies.length = 0;
  server.requests.length = 0;
});
afterAll(async () => {
  for (const one of [plain, modelled]) {
    await one?.repository.close();
    await one?.world.close();
  }
  slow?.close();
  await server?.close();
});

/** Pushes, connects by event and waits until a search finds this commit; returns it. */
async function indexed({ client, repository }: Place, projectId: string, guard: string) {
  const sha = await repository.push({ "src/guard.ts": guard });
  const { owner, name } = repository;
  await makeProject(client, projectId);
  await client.send({ name: "repo.connected", data: { projectId, owner, name } });
  await until(`the index of ${sha}`, async () => {
    const { items } = await client
      .call<{ items: { index: { commitSha: string; state: string } }[] }>(
        "GET",
        `/api/projects/${projectId}/repos`,
      )
      .catch(() => ({ items: [] }));
    return items.some(({ index }) => index.commitSha === sha && index.state === "indexed");
  });
  return sha;
}

async function artifactOf({ client, desk }: Place, projectId: string, kind: string) {
  const { content, citations } = await client.artifact((await desk.latest(projectId, kind)).id);
  return { content, citations: citations as unknown as CodeCitation[] };
}

/** What stands in these lines of the repository at the commit, as GitHub has it. */
async function linesAt({ repository }: Place, at: CodeCitation): Promise<string> {
  const { owner, name: repo, octokit } = repository;
  const { data } = await octokit.rest.repos.getContent({
    ...{ owner, repo, path: at.codePath, ref: at.commitSha },
    mediaType: { format: "raw" },
  });
  const lines = String(data).split("\n");
  return lines.slice(at.lineStart - 1, at.lineEnd).join("\n");
}

test("an artifact cites code with file, lines and commit, and every quote stands there", async () => {
  const sha = await indexed(plain, "code", GUARD);
  await plain.desk.succeeded(
    await plain.desk.ask("code", { brief: "session token access", artifacts: ["SECURITY_MODEL"] }),
  );
  const { content, citations } = await artifactOf(plain, "code", "SECURITY_MODEL");
  expect(citations.length, content).toBeGreaterThan(0);
  for (const citation of citations) {
    expect(citation).toMatchObject({ type: "code", codePath: "src/guard.ts", commitSha: sha });
    expect(citation.outdated).toBe(false);
    const lines = await linesAt(plain, citation);
    expect(lines.slice(citation.startOffset, citation.endOffset)).toBe(citation.quote);
    expect(hash("sha256", lines, "hex")).toBe(citation.codeSha256);
    const { lineStart, lineEnd } = citation;
    expect(content).toContain(`src/guard.ts, lines ${lineStart}-${lineEnd} at ${sha.slice(0, 12)}`);
  }
}, 120_000);

test("a quote that the code does not hold is refused: when the model gives it, and when it comes into a draft", async () => {
  await indexed(modelled, "false", GUARD);
  const says = (quote: string, said: string) => ({
    text: said,
    citations: [{ source: 1, quote }],
  });
  server.respond = () => ({
    answer: {
      answered: true,
      statements: [
        says(READER, "Only readers may read."),
        says(READER.replace("reader", "admin"), "Only administrators may read."),
      ],
    },
  });
  const runId = `run-${randomUUID()}`;
  // The last of four sections is being written: the three before it are drafts, of which the first now quotes what is not so.
  let changed = false;
  before = async () => {
    if (server.requests.length < 3 || changed) return;
    changed = true;
    await changeDraft(modelled, { projectId: "false", runId }, READER, 'role !== "owner"');
  };
  await modelled.desk.succeeded(
    await modelled.desk.ask("false", { artifacts: ["SPEC_SESSION_ACCESS"] }, runId),
  );
  const check = (await modelled.desk.steps(runId)).find(({ stepId }) => stepId.endsWith("/check"));
  expect(check?.outputs).toMatchObject({ statements: 3, unanswered: 1, dropped: 1 });
  const { content, citations } = await artifactOf(modelled, "false", "SPEC_SESSION_ACCESS");
  expect(content.match(/Only readers may read\. \[1\]/g)).toHaveLength(3);
  expect(content).not.toContain("administrators");
  expect(citations.map(({ type, quote }) => [type, quote])).toEqual([["code", READER]]);
}, 120_000);

/** Puts other words into a quote of a run's first draft, where they are kept. */
async function changeDraft(
  { world }: Place,
  { projectId, runId }: { projectId: string; runId: string },
  from: string,
  to: string,
): Promise<void> {
  const top = join(world.cloud.env.BLOB_DIR ?? "", "projects", projectId, "runs", runId);
  const files = await readdir(top, { recursive: true, withFileTypes: true });
  const drafts = files.filter(({ name }) => /^section-.*\.json$/.test(name));
  const [first] = drafts.map(({ parentPath, name }) => join(parentPath, name)).sort();
  if (first === undefined) throw new Error(`there are no drafts of ${runId}`);
  const escaped = (text: string) => JSON.stringify(text).slice(1, -1);
  const draft = await readFile(first, "utf8");
  await writeFile(first, draft.replace(escaped(from), escaped(to)));
}

test("code that changes between writing and checking is not cited: the run says that its sources moved", async () => {
  await indexed(modelled, "moved", GUARD);
  server.respond = () => ({
    answer: {
      answered: true,
      statements: [
        {
          text: "Only readers may read.",
          citations: [{ source: 1, quote: READER }],
        },
      ],
    },
  });
  // The model takes its time over the last of four sections; meanwhile the file is another one.
  let pushed: Promise<string> | undefined;
  before = async () => {
    if (server.requests.length < 3) return;
    pushed ??= indexed(modelled, "moved", LOOSER);
    await pushed;
  };
  const runId = await modelled.desk.ask("moved", { artifacts: ["SPEC_SESSION_ACCESS"] });
  const run = await modelled.desk.ended(runId);
  expect(run.error).toMatch(/^sources_moved: /);
  expect(pushed).toBeDefined();
  const steps = await modelled.desk.steps(runId);
  expect(steps.filter(({ status }) => status === "failed").map(({ stepId }) => stepId)).toEqual([
    "check-SPEC_SESSION_ACCESS/check",
  ]);
  const all = await modelled.client.artifacts("moved");
  expect(all.filter(({ kind }) => kind === "SPEC_SESSION_ACCESS")).toEqual([]);
}, 120_000);
