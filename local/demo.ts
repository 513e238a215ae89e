import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ApiFile, type ApiHit, Client, until } from "./client.ts";
import { type Cloud, startCloud } from "./cloud.ts";
import { type Bundled, bundle } from "./demo-bundle.ts";
import { DELIVERY_RUN, type Delivered, deliver, SAMPLE_REPOSITORY } from "./demo-delivery.ts";
import { readable } from "./log-lines.ts";

const HELP = `npm run demo -- [--json]    the local cloud up, sample documents in through events, five searches, a research run,
                            a change of a repository over its merged pull request to production,
                            and the bundle that proves it; down again

  --json    one JSON report as the last line: {"ok", "files": [{name, status, chunks, ms}],
            "searches": [{q, top: {file, page, score}, ms}], "artifacts": [{kind, version, citations}],
            "pull_request": {number, merged, sha}, "deployment": {url, status},
            "bundle": {path, sha256, verified}}`;

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
});

const SAMPLES = new URL("../samples/", import.meta.url).pathname;
const PROJECT = "demo";

/** The sample documents, each by the way in which it reaches us: our upload route, or a link in an event. */
const DOCUMENTS: readonly { name: string; by: "upload" | "link" }[] = [
  { name: "operations-manual.pdf", by: "link" },
  { name: "security-review.docx", by: "upload" },
  { name: "installation-guide-zh.docx", by: "link" },
  { name: "launch-deck.pptx", by: "upload" },
  { name: "price-list.xlsx", by: "link" },
  { name: "faq.html", by: "upload" },
  { name: "release-notes.md", by: "link" },
  { name: "incident-report.txt", by: "upload" },
  { name: "telemetry-buffer.ts", by: "link" },
];

/** What people at the fictional company ask, and the document that answers. */
const QUESTIONS: readonly { q: string; file: string }[] = [
  { q: "How deep must the water be where a buoy is put out?", file: "operations-manual.pdf" },
  { q: "Which finding was about a default password?", file: "security-review.docx" },
  { q: "清洗电导率传感器的周期", file: "installation-guide-zh.docx" },
  { q: "When does the launch in Poland and Sweden begin?", file: "launch-deck.pptx" },
  { q: "What does article K2-ICE cost?", file: "price-list.xlsx" },
];

interface Report extends Delivered {
  ok: boolean;
  files: { name: string; status: string; chunks: number | null; ms: number | null }[];
  searches: {
    q: string;
    top: { file: string; page: number | null; score: number } | null;
    ms: number;
  }[];
  artifacts: { kind: string; version: number; citations: number }[];
  bundle: Bundled;
}

/** What the research run is asked to write about. */
const BRIEF = "The measuring buoy: what it is for, how it is built, protected, sold and serviced";

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "countersign-demo-"));
  const names = new Map<string, string>();
  let cloud: Cloud | undefined;
  const end = async () => {
    await cloud?.close();
    await rm(dir, { recursive: true, force: true });
  };
  process.once("SIGINT", () => end().then(() => process.exit(130)));
  try {
    console.log(
      "Bringing the local cloud up: PostgreSQL, a vector index, GitHub, Vercel, Neon, Upstash, Inngest and the app",
    );
    cloud = await startCloud({
      dir,
      targets: true,
      env: {
        FILE_URL_HOSTS: "127.0.0.1",
        FETCH_ALLOW_LOOPBACK_HTTP: "1",
        SANDBOX_TRUSTED_REPOS: SAMPLE_REPOSITORY,
      },
      onProgress: (line) => console.log(`  ${line}`),
      onLine: (line) => console.log(`  ${readable(line, names)}`),
    });
    const client = await Client.of("demo-user", cloud);
    const files = await ingest(client, cloud.appUrl, names);
    const searches = await ask(client);
    const answered = searches.every(({ top }, at) => top?.file === QUESTIONS[at]?.file);
    console.log(
      `\n${files.length} documents are searchable; ${answered ? "every" : "NOT every"} question found its document.`,
    );
    const artifacts = await research(client);
    const cited = artifacts.length === 4 && artifacts.every(({ citations }) => citations >= 2);
    console.log(
      `\n${artifacts.length} artifacts were written; ${cited ? "each cites" : "NOT each cites"} at least two places.`,
    );
    const by = "demo-user";
    const delivered = await deliver({ client, cloud, projectId: PROJECT, by });
    const proof = await bundle({ client, cloud, projectId: PROJECT, by }, DELIVERY_RUN);
    const ingested = files.every((file) => file.status === "ingested");
    const live = delivered.pull_request.merged && delivered.deployment.status === 200;
    const ok = ingested && answered && cited && live && proof.verified;
    const found = { files: files.map(summary), searches, artifacts };
    const report: Report = { ok, ...found, ...delivered, bundle: proof };
    if (values.json) console.log(JSON.stringify(report));
    if (!ok) process.exitCode = 1;
  } finally {
    await end();
  }
}

/** Makes a project and brings every document in, all at once. Ends when each is searchable or refused. */
async function ingest(
  client: Client,
  appUrl: string,
  names: Map<string, string>,
): Promise<ApiFile[]> {
  console.log(
    "\nSending project.created, and the documents: some uploaded, some as links in file.uploaded",
  );
  const project = { projectId: PROJECT, name: "Demo", slug: PROJECT, owner: "demo-user" };
  await client.send({ name: "project.created", data: project });
  await until("project", () => client.files(PROJECT).catch(() => null));
  for (const { name, by } of DOCUMENTS) {
    if (by === "upload") {
      const file = await client.upload(PROJECT, name, await readFile(join(SAMPLES, name)));
      names.set(file.id, name);
    } else {
      const url = `${appUrl}/samples/${name}`;
      await client.send({ name: "file.uploaded", data: { projectId: PROJECT, name, url } });
    }
  }
  return await until("ingestion of all documents", async () => {
    const files = await client.files(PROJECT);
    for (const { id, name } of files) names.set(id, name);
    const ended = files.filter(({ status }) => status === "ingested" || status === "rejected");
    return ended.length === DOCUMENTS.length && files;
  });
}

async function ask(client: Client): Promise<Report["searches"]> {
  const searches: Report["searches"] = [];
  for (const { q } of QUESTIONS) {
    const began = performance.now();
    const { hits, warning } = await client.search(PROJECT, q, 3);
    const ms = Math.round(performance.now() - began);
    console.log(`\n? ${q}  (${ms} ms${warning ? `; ${warning}` : ""})`);
    for (const hit of hits) console.log(`    ${hit.score.toFixed(3)}  ${place(hit)}`);
    const [first] = hits;
    const top = first && { file: first.file, page: first.pageStart, score: first.score };
    searches.push({ q, top: top ?? null, ms });
  }
  return searches;
}

/** Has the four default artifacts written, and shows what they say and where it is from. */
async function research(client: Client): Promise<Report["artifacts"]> {
  console.log(`\nSending run.requested, kind research: ${BRIEF}`);
  const runId = "demo-research";
  const asked = { projectId: PROJECT, runId, kind: "research", requestedBy: "demo-user" };
  await client.send({ name: "run.requested", data: { ...asked, input: { brief: BRIEF } } });
  await until("the research run", async () => {
    const run = await client.run(runId).catch(() => null);
    if (run?.status === "failed") throw new Error(`the research run failed: ${run.error}`);
    return run?.status === "succeeded";
  });
  const artifacts: Report["artifacts"] = [];
  const written = (await client.artifacts(PROJECT)).filter((one) => one.runId === runId);
  for (const { id } of written.toReversed()) {
    const { kind, version, content, citations } = await client.artifact(id);
    console.log(`\n${kind}, version ${version}`);
    for (const [, heading] of content.matchAll(/^#+ (.*)$/gm)) console.log(`    ${heading}`);
    for (const citation of citations.slice(0, 2)) {
      const { ordinal, fileName: file, pageStart, pageEnd, quote } = citation;
      const where = place({ file, pageStart, pageEnd, heading: "" });
      console.log(`    [${ordinal}] ${where}: “${quote.replace(/\s+/g, " ").slice(0, 90)}…”`);
    }
    artifacts.push({ kind, version, citations: citations.length });
  }
  return artifacts;
}

function place(hit: Pick<ApiHit, "file" | "pageStart" | "pageEnd" | "heading">): string {
  const { file, pageStart, pageEnd, heading } = hit;
  const pages = pageStart === pageEnd ? `page ${pageStart}` : `pages ${pageStart}-${pageEnd}`;
  return [file, pageStart === null ? "" : pages, heading].filter(Boolean).join("  ");
}

function summary({
  name,
  status,
  chunkCount,
  createdAt,
  ingestedAt,
}: ApiFile): Report["files"][number] {
  const ms = ingestedAt === null ? null : Date.parse(ingestedAt) - Date.parse(createdAt);
  return { name, status, chunks: chunkCount, ms };
}

if (values.help) console.log(HELP);
else await main();
