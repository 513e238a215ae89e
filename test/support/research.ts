import { randomUUID } from "node:crypto";
import { asc, eq } from "drizzle-orm";
import { runSteps } from "#db/schema.ts";
import { type ApiArtifact, type ApiFile, type ApiRun, type Client, until } from "#local/client.ts";
import { OWNER, type TestCloud } from "./cloud.ts";

/** What people around research runs do and see: documents and events in, artifacts out. */
export class Researcher {
  readonly #world: TestCloud;
  readonly #client: Client;

  constructor(world: TestCloud, client: Client) {
    this.#world = world;
    this.#client = client;
  }

  /** Uploads; the project may be about to be made. */
  async upload(projectId: string, name: string, bytes: Uint8Array): Promise<void> {
    await until("project", () => this.#client.files(projectId).catch(() => null));
    await this.#client.upload(projectId, name, bytes);
  }

  /** Waits until so many files are searchable. */
  async ingested(projectId: string, count: number): Promise<ApiFile[]> {
    return await until("ingestion", async () => {
      const files = await this.#client.files(projectId);
      return files.filter(({ status }) => status === "ingested").length === count && files;
    });
  }

  /** Asks for a research run, or for one that failed to go on; returns its id. */
  async ask(projectId: string, input: object, runId = `run-${randomUUID()}`): Promise<string> {
    const data = { projectId, runId, kind: "research", requestedBy: OWNER, input };
    await this.#client.send({ name: "run.requested", data });
    return runId;
  }

  async succeeded(runId: string, attempt = 1): Promise<ApiRun> {
    const run = await this.ended(runId, attempt);
    if (run.status !== "succeeded") throw new Error(`${runId} ${run.status}: ${run.error}`);
    return run;
  }

  /** Waits until this start of the run has ended: 2 and more are resumed ones. */
  async ended(runId: string, attempt = 1): Promise<ApiRun> {
    return await until(`end of ${runId}`, async () => {
      const run = await this.#client.run(runId).catch(() => null);
      return (
        run?.attempt === attempt && ["succeeded", "failed", "canceled"].includes(run.status) && run
      );
    });
  }

  async steps(runId: string) {
    const { database } = this.#world;
    return await database
      .select()
      .from(runSteps)
      .where(eq(runSteps.runId, runId))
      .orderBy(asc(runSteps.startedAt));
  }

  async latest(projectId: string, kind: string): Promise<ApiArtifact> {
    const found = (await this.#client.artifacts(projectId)).find(
      (artifact) => artifact.kind === kind,
    );
    if (!found) throw new Error(`no artifact ${kind} in ${projectId}`);
    return found;
  }

  /** Artifacts that a search finds, best first. */
  async search(projectId: string, q: string) {
    const query = new URLSearchParams({ projectId, q, types: "artifact" });
    const path = `/api/search?${query}`;
    const { hits } = await this.#client.call<{
      hits: { type: string; kind: string; version: number; stale: boolean }[];
    }>("GET", path);
    return hits;
  }
}
