import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { and, asc, eq, sql } from "drizzle-orm";
import { db } from "#db/client.ts";
import { approvals, auditEntries, effects } from "#db/schema.ts";
import { decide } from "#lib/approvals/decide.ts";
import { type Approval, readApproval } from "#lib/data/approvals.server.ts";
import { type Effect, readEffect } from "#lib/data/effects.server.ts";
import { createProject } from "#lib/data/projects.server.ts";
import { performEffect } from "#lib/effects/perform.ts";
import { planEffects } from "#lib/effects/plan.ts";
import type { Resolution } from "#lib/effects/resolution.ts";
import { type Resolved, resolveEffect } from "#lib/effects/resolve.ts";
import type { Wish } from "#lib/effects/wish.ts";
import { newId } from "#lib/ids.ts";
import { readHead } from "#lib/ledger/client.ts";
import { acceptRun } from "#lib/runs/accept.ts";
import { beginRun } from "#lib/runs/life.ts";
import { startLedger } from "#local/ledger/server.ts";
import { testDatabase } from "../setup/database.ts";
import { setEnv } from "./environment.ts";

export const OWNER = "ada";
export const ENGINE = "engine";

/** One change of a run that was planned and granted. */
export interface Scene {
  readonly projectId: string;
  readonly runId: string;
  /** The book that it is made in. */
  readonly book: string;
  readonly effectId: string;
  readonly approval: Approval;
}

/** The core without an engine around it: a database and a ledger service of its own, and what stands in both. */
export class EffectDesk {
  readonly #ledger: { url: string; token: string };
  readonly close: () => Promise<void>;

  private constructor(ledger: { url: string; token: string }, close: () => Promise<void>) {
    this.#ledger = ledger;
    this.close = close;
  }

  static async open(): Promise<EffectDesk> {
    const database = await testDatabase();
    const dir = await mkdtemp(join(tmpdir(), "effects-"));
    const part = await startLedger({ dir });
    await setEnv(part.env);
    return new EffectDesk({ url: part.url, token: part.env.LEDGER_TOKEN ?? "" }, async () => {
      for (const name of Object.keys(part.env)) delete process.env[name];
      await part.close();
      await database.close();
      await rm(dir, { recursive: true });
    });
  }

  /** A run that has begun, for a book of its own, and in a project of its own unless one is said. */
  async run(inProject?: string): Promise<Pick<Scene, "projectId" | "runId" | "book">> {
    const runId = newId("run");
    const book = runId.toLowerCase().replace("_", "-");
    const project = { ownerUserId: OWNER, name: "P", slug: book };
    const projectId = inProject ?? (await createProject(project)).id;
    await this.call("PUT", `/_books/${book}`, { allowDuplicates: true });
    await this.begin({ projectId, runId, book });
    return { projectId, runId, book };
  }

  /** Asks for a run, or for a failed one again, and begins it. */
  async begin({ projectId, runId, book }: Pick<Scene, "projectId" | "runId" | "book">) {
    const input = { target: "ledger", book, entries: [{ kind: "entry", name: "n", value: "v" }] };
    const request = { projectId, runId, kind: "implementation" as const, requestedBy: "ci" };
    await acceptRun({ ...request, input, eventId: newId("run") });
    await beginRun({ runId, inngestRunId: ENGINE });
  }

  /** Plans one change of the run, against the head as it is now unless its params are said, and grants it. */
  async plan(
    run: Pick<Scene, "projectId" | "runId" | "book">,
    kind = "ledger.entry",
    others?: Wish["params"],
  ) {
    const { runId, book } = run;
    const head = await readHead(book, AbortSignal.timeout(5000));
    const params = others ?? { book, head, name: "n", value: "v" };
    const wishes = [{ stepId: "create-1", kind, params }];
    const { approval, effects: planned } = await planEffects({ runId, stepId: "plan", wishes });
    const [effect] = planned;
    if (!approval || !effect) throw new Error("nothing to approve");
    await decide({
      ...{ kind: "granted", projectId: run.projectId, by: OWNER, eventId: newId("decision") },
      ...{ approvalId: approval.id, intentHash: approval.intentHash },
    });
    return { ...run, effectId: effect.effectId, approval };
  }

  /** A run with one change that is granted. */
  async granted(kind?: string): Promise<Scene> {
    return await this.plan(await this.run(), kind);
  }

  fault({ book }: Pick<Scene, "book">, fault: object): Promise<unknown> {
    return this.call("PUT", "/_faults", { book, ...fault });
  }

  /** Ids of all objects in the book: what really is there. */
  async objects({ book }: Pick<Scene, "book">): Promise<string[]> {
    const { objects } = (await this.call("GET", `/_books/${book}/objects`)) as {
      objects: { id: string }[];
    };
    return objects.map(({ id }) => id);
  }

  async call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(new URL(path, this.#ledger.url), {
      method,
      headers: {
        authorization: `Bearer ${this.#ledger.token}`,
        "content-type": "application/json",
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return await response.json();
  }

  effect({ effectId }: Scene): Promise<Effect> {
    return readEffect({ id: effectId });
  }

  approval({ approval }: Scene): Promise<Approval> {
    return readApproval({ id: approval.id });
  }

  /** As if the time of whoever holds the effect had passed. */
  async leaseOver({ effectId }: Scene): Promise<void> {
    const past = sql`now() - interval '1 second'`;
    await db().update(effects).set({ leaseExpiresAt: past }).where(eq(effects.id, effectId));
  }

  /** As if the looks for what was sent had found nothing until nobody could tell any more. */
  async lost({ effectId }: Pick<Scene, "effectId">): Promise<void> {
    await db().update(effects).set({ status: "unknown" }).where(eq(effects.id, effectId));
  }

  /** A change that was sent, so that the object is there, and of which nobody heard; and nobody finds it. */
  async sentAndLost(kind?: string): Promise<Scene> {
    const scene = await this.granted(kind);
    await this.loses(scene, "close-after");
    return scene;
  }

  /** The change is sent, the fault ends the call, and nobody can tell any more what became of it. */
  async loses(scene: Scene, fault: string): Promise<void> {
    await this.fault(scene, { fault });
    const heard = await performEffect(scene.effectId).catch(({ code }: { code?: string }) => code);
    if (heard !== "effect_outcome_open") throw new Error(`it was heard of: ${heard}`);
    await this.lost(scene);
  }

  /** What the owner says about an effect; `more` overwrites what an honest event says. */
  resolve(
    { projectId, effectId }: Pick<Scene, "projectId" | "effectId">,
    resolution: Resolution["resolution"],
    more: Partial<Resolution> = {},
  ): Promise<Resolved> {
    const eventId = newId("decision");
    return resolveEffect({ projectId, effectId, resolution, by: OWNER, eventId, ...more });
  }

  /** The entries of one action about an effect. */
  async said({ projectId, effectId }: Pick<Scene, "projectId" | "effectId">, action: string) {
    const entries = await this.told(projectId, effectId);
    return entries.filter((entry) => entry.action === action);
  }

  /** As if the time of its approval had passed. */
  async approvalOver({ approval }: Scene): Promise<void> {
    const past = sql`now() - interval '1 second'`;
    await db().update(approvals).set({ expiresAt: past }).where(eq(approvals.id, approval.id));
  }

  /** What the chain says of something, in order. */
  async told(projectId: string, subject: string) {
    return await db()
      .select({ action: auditEntries.action, payload: auditEntries.payload })
      .from(auditEntries)
      .where(and(eq(auditEntries.projectId, projectId), eq(auditEntries.subject, subject)))
      .orderBy(asc(auditEntries.seq));
  }
}
