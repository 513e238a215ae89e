import { randomUUID } from "node:crypto";
import { asc, eq } from "drizzle-orm";
import { approvals, auditEntries, effects, runs } from "#db/schema.ts";
import { type Client, until } from "#local/client.ts";
import { makeProject, OWNER, type TestCloud } from "./cloud.ts";

export type ApprovalRow = typeof approvals.$inferSelect;

export interface LedgerEntry {
  readonly kind?: "entry" | "note";
  readonly name: string;
  readonly value: string;
}

/** What people and systems around runs do and see: events in, rows and the ledger's objects out. */
export class RunDesk {
  readonly world: Pick<TestCloud, "cloud" | "database">;
  readonly client: Client;

  constructor(world: Pick<TestCloud, "cloud" | "database">, client: Client) {
    this.world = world;
    this.client = client;
  }

  /** A project of its owner's, ready. */
  async project(projectId: string): Promise<string> {
    await makeProject(this.client, projectId);
    const path = `/api/projects/${projectId}`;
    await until("project", () => this.client.call("GET", path).catch(() => null));
    return projectId;
  }

  /** Asks for a run that creates entries in a book of the ledger; returns its id. */
  async ask(
    projectId: string,
    book: string,
    entries: readonly LedgerEntry[],
    more: object = {},
  ): Promise<string> {
    const runId = `run-${randomUUID()}`;
    await this.request(projectId, runId, book, entries, more);
    return runId;
  }

  async request(
    projectId: string,
    runId: string,
    book: string,
    entries: readonly LedgerEntry[],
    more: object = {},
  ): Promise<void> {
    const input = { target: "ledger", book, entries };
    const data = { projectId, runId, kind: "implementation", requestedBy: "ci", input, ...more };
    await this.client.send({ name: "run.requested", data });
  }

  /** The run's newest approval once it is in this state, and is another than `not`. */
  approval(
    runId: string,
    status: ApprovalRow["status"] = "pending",
    not?: ApprovalRow,
  ): Promise<ApprovalRow> {
    return until(`${status} approval of ${runId}`, async () => {
      const rows = await this.approvals(runId);
      return rows.findLast((row) => row.status === status && row.id !== not?.id);
    });
  }

  async approvals(runId: string): Promise<ApprovalRow[]> {
    return await this.world.database
      .select()
      .from(approvals)
      .where(eq(approvals.runId, runId))
      .orderBy(asc(approvals.createdAt));
  }

  /** Sends a decision; `changes` overwrite what an honest one says. */
  async decide(
    kind: "granted" | "denied" | "revoked",
    approval: Pick<ApprovalRow, "id" | "projectId" | "intentHash">,
    changes: object = {},
  ): Promise<void> {
    const { id: approvalId, projectId, intentHash } = approval;
    const data = { projectId, approvalId, intentHash, by: OWNER, ...changes };
    await this.client.send({ name: `approval.${kind}`, data });
  }

  async run(runId: string): Promise<typeof runs.$inferSelect> {
    const [row] = await this.world.database.select().from(runs).where(eq(runs.id, runId));
    if (!row) throw new Error(`there is no run ${runId}`);
    return row;
  }

  /** The run once it is in this state. */
  async reached(runId: string, status: string, seconds = 30): Promise<typeof runs.$inferSelect> {
    let seen: typeof runs.$inferSelect | null = null;
    const look = async () => {
      seen = await this.run(runId).catch(() => null);
      return seen?.status === status && seen;
    };
    return await until(`${runId} ${status}`, look, seconds).catch((error: Error) => {
      const { status: is = "not there", error: why = null } = seen ?? {};
      throw new Error(`${error.message}: it is ${is}${why === null ? "" : ` (${why})`}`);
    });
  }

  async effects(runId: string): Promise<(typeof effects.$inferSelect)[]> {
    return await this.world.database
      .select()
      .from(effects)
      .where(eq(effects.runId, runId))
      .orderBy(asc(effects.position));
  }

  async audit(projectId: string): Promise<(typeof auditEntries.$inferSelect)[]> {
    return await this.world.database
      .select()
      .from(auditEntries)
      .where(eq(auditEntries.projectId, projectId))
      .orderBy(asc(auditEntries.seq));
  }

  /** The names in a book, oldest first: what really was done outside. */
  async objects(book: string): Promise<string[]> {
    const { objects } = await this.ledger<{ objects: { name: string }[] }>(
      "GET",
      `/books/${book}/objects`,
    );
    return objects.map(({ name }) => name);
  }

  async ledger<T>(method: string, path: string, body?: object): Promise<T> {
    const { LEDGER_URL, LEDGER_TOKEN } = this.world.cloud.env;
    const response = await fetch(`${LEDGER_URL}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${LEDGER_TOKEN}`,
        "content-type": "application/json",
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    const text = await response.text();
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}
