import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, until } from "../local/client.ts";
import { startCloud } from "../local/cloud.ts";
import { generatedPdf } from "./generated-pdf.ts";
import { type BenchResult, lessIsBetter } from "./result.ts";

const PAGES = 311;
const PROJECT = "bench";

/** From the upload's answer (the row is written, the event is sent) to the first search that finds the last page. */
export async function run(): Promise<BenchResult[]> {
  const bytes = await readFile(await generatedPdf(PAGES));
  const dir = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  const lines: string[] = [];
  const cloud = await startCloud({ dir, onLine: (line) => lines.push(line) });
  try {
    const client = await Client.of("bench", cloud);
    const project = { projectId: PROJECT, name: "Bench", slug: PROJECT, owner: "bench" };
    await client.send({ name: "project.created", data: project });
    await until("project", () => client.files(PROJECT).catch(() => null));
    await client.upload(PROJECT, "report.pdf", bytes);
    const began = performance.now();
    const file = await until(
      "ingestion",
      async () => {
        const [only] = await client.files(PROJECT);
        if (only?.status === "rejected") throw new Error(`refused: ${only.rejectReason}`);
        return only?.status === "ingested" && only;
      },
      600,
    );
    const { hits } = await client.search(PROJECT, `Requirement ${PAGES}`);
    const seconds = (performance.now() - began) / 1000;
    if (!hits.some(({ pageStart }) => pageStart === PAGES)) {
      throw new Error(`The last page was not found among: ${JSON.stringify(hits[0])}`);
    }
    const what = `${PAGES}-page PDF, event to searchable (${file.chunkCount} chunks)`;
    return [lessIsBetter({ what, value: seconds, unit: "s", bar: 60 })];
  } finally {
    await cloud.close();
    await rm(dir, { recursive: true, force: true });
  }
}
