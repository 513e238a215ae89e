import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { and, eq } from "drizzle-orm";
import { artifacts, deployments } from "#db/schema.ts";
import { until } from "#local/client.ts";
import { Hub, type HubRepository } from "#local/hub.ts";
import { controls } from "../crash/targets/target.ts";
import type { TestCloud } from "./cloud.ts";
import type { ApprovalRow, RunDesk } from "./runs.ts";

/** The scopes that a run which ships is granted, in their order. */
export const SHIP = [
  "repo.push",
  "repo.merge",
  "infra.provision",
  "deploy.production",
  "deploy.production",
];

/** What people do around runs that ship: repositories, a Vercel that obeys, and one grant after the other. */
export class Shipping {
  readonly hub: Hub;
  /** Vercel's API and the local one's own routes. */
  readonly vercel: ReturnType<typeof controls>;
  readonly #world: TestCloud;
  readonly #desk: RunDesk;

  constructor(world: TestCloud, desk: RunDesk) {
    this.#world = world;
    this.#desk = desk;
    this.hub = new Hub(world.cloud);
    const { VERCEL_API_URL = "", VERCEL_TOKEN } = world.cloud.env;
    this.vercel = controls(VERCEL_API_URL, `Bearer ${VERCEL_TOKEN}`);
  }

  /** A repository with these files that is connected to the project. */
  async connected(
    projectId: string,
    name: string,
    files: Readonly<Record<string, string>>,
  ): Promise<HubRepository> {
    const dir = await mkdtemp(join(tmpdir(), "shipping-"));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    const repository = await this.hub.create(name, dir);
    await rm(dir, { recursive: true });
    const { client } = this.#desk;
    const data = { projectId, owner: repository.owner, name };
    await client.send({ name: "repo.connected", data });
    await until(`${name} connected`, async () => {
      const path = `/api/projects/${projectId}/repos?limit=100`;
      const { items } = await client.call<{ items: { name: string }[] }>("GET", path);
      return items.some((repo) => repo.name === name);
    });
    return repository;
  }

  /** Asks for a run that changes this file of the repository. @param more what its input says besides. */
  async ask(
    { owner, name }: HubRepository,
    {
      projectId,
      runId,
      ...file
    }: { projectId: string; runId: string; path: string; content: string },
    more: object,
  ): Promise<string> {
    const input = {
      ...{ target: "repository", repository: `${owner}/${name}`, title: "A change", verify: [] },
      changes: { from: "files", files: [file] },
      checks: { required: [], graceSeconds: 0 },
      ...more,
    };
    const data = { projectId, runId, kind: "implementation", requestedBy: "ci", input };
    await this.#desk.client.send({ name: "run.requested", data });
    return runId;
  }

  /** Asks for a run that failed once more, and sees it begin. */
  async askAgain(runId: string): Promise<void> {
    const { projectId, input, attempt } = await this.#desk.run(runId);
    const data = { projectId, runId, kind: "implementation", requestedBy: "ci", input };
    await this.#desk.client.send({ name: "run.requested", data });
    const again = async () => (await this.#desk.run(runId)).attempt > attempt;
    await until(`another start of ${runId}`, again);
  }

  /** The next approval that a run asks for, besides these. Throws Error when it fails instead. */
  async asked(runId: string, given: readonly ApprovalRow[]): Promise<ApprovalRow> {
    const known = new Set(given.map(({ id }) => id));
    return await until(
      `an approval for ${runId}, after ${given.map(({ scope }) => scope).join(", ")}`,
      async () => {
        const run = await this.#desk.run(runId).catch(() => null);
        const rows = await this.#desk.approvals(runId);
        const next = rows.find(({ id, status }) => status === "pending" && !known.has(id));
        if (!next && run?.status === "failed") throw new Error(`${runId} failed: ${run.error}`);
        return next;
      },
      60,
    );
  }

  /** Grants each approval that the run asks for, one after the other; throws Error when one has another scope than these. */
  async grantAll(
    runId: string,
    scopes: readonly string[],
    before: readonly ApprovalRow[] = [],
  ): Promise<ApprovalRow[]> {
    const given = [...before];
    for (const scope of scopes) {
      const approval = await this.asked(runId, given);
      if (approval.scope !== scope) throw new Error(`${runId} asks for ${approval.scope}`);
      await this.#desk.decide("granted", approval);
      given.push(approval);
    }
    return given;
  }

  /** The event that a person sends who has made a resource by hand, as the run's instructions have it. */
  async instructed(runId: string): Promise<{ name: string; data: object }> {
    const content = await until("instructions", async () => {
      const of = and(eq(artifacts.runId, runId), eq(artifacts.kind, "INFRA_INSTRUCTIONS"));
      return (await this.#world.database.select().from(artifacts).where(of))[0]?.content;
    });
    const [, json = ""] = /```json\n([\s\S]*?)\n```/.exec(content) ?? [];
    return JSON.parse(json);
  }

  /** Once Vercel has built the one deployment of a project. */
  async built(project: string): Promise<void> {
    await until(`the build of ${project}`, async () => {
      const { deployments: all } = (await this.vercel("GET", "/v7/deployments?limit=100")) as {
        deployments: { name: string; state: string }[];
      };
      const mine = all.filter(({ name }) => name === project);
      return mine.length === 1 && mine[0]?.state === "READY";
    });
  }

  /** A run's deployments, as they are recorded. */
  async deployments(runId: string): Promise<(typeof deployments.$inferSelect)[]> {
    const mine = eq(deployments.runId, runId);
    return await this.#world.database
      .select()
      .from(deployments)
      .where(mine)
      .orderBy(deployments.startedAt);
  }
}

/** What is served there. */
export const page = async (url: unknown) => await (await fetch(String(url))).text();
