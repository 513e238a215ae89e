import { hash } from "node:crypto";
import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { artifacts } from "#db/schema.ts";
import { Conflict, NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { redactJson, redactText } from "../redact.ts";

export type Artifact = typeof artifacts.$inferSelect;

/** What is versioned: one kind of thing under one name in one project. */
export interface ArtifactKey {
  readonly projectId: string;
  readonly kind: string;
  readonly logicalKey: string;
}

/**
 * Publishes the next version of an artifact: 1, 2, 3 without gaps, however many publish at once. Content that equals the
 * latest version's is no new version, unless `renews` says that it takes that one's place; `created` is then false. What
 * looks like a secret is redacted. With `onto`, only after that version, or with null as the first: throws Conflict
 * (`base_moved`) when the latest is another.
 */
export async function publishArtifact(
  input: ArtifactKey & {
    runId?: string | undefined;
    content: string;
    metadata?: Record<string, unknown>;
    renews?: (latest: Artifact) => Promise<boolean>;
    onto?: string | null | undefined;
  },
  executor: Executor = db(),
): Promise<{ artifact: Artifact; created: boolean }> {
  const { projectId, kind, logicalKey, runId } = input;
  const content = redactText(input.content);
  const contentSha256 = hash("sha256", content, "hex");
  const metadata = redactJson(input.metadata ?? {});
  return await executor.transaction(async (tx) => {
    // Publishers of one key queue here. Nothing else could: there may be no row yet to lock.
    const lock = JSON.stringify(["artifact", projectId, kind, logicalKey]);
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`);
    const latest = await getLatestArtifact(input, tx);
    if (input.onto !== undefined && (latest?.id ?? null) !== input.onto) {
      const what = `Version ${latest?.version ?? 0} of ${kind} was published since: it is not the one that this was written from.`;
      throw new Conflict("base_moved", what, { projectId, kind });
    }
    if (latest?.contentSha256 === contentSha256 && !(await input.renews?.(latest))) {
      return { artifact: latest, created: false };
    }
    const version = (latest?.version ?? 0) + 1;
    const [artifact] = await tx
      .insert(artifacts)
      .values({
        ...{ projectId, kind, logicalKey, runId, content, contentSha256, metadata },
        ...{ id: newId("artifact"), version },
      })
      .returning();
    if (!artifact) throw new Error("an insert returned no row");
    return { artifact, created: true };
  });
}

/** One version by its id. Throws NotFound. */
export async function readArtifact(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<Artifact> {
  const [artifact] = await executor.select().from(artifacts).where(eq(artifacts.id, id));
  if (!artifact) throw new NotFound("artifact_not_found", `There is no artifact ${id}.`);
  return artifact;
}

/** The newest version that a run published under a key, null when it has published none. */
export async function artifactOfRun(
  { runId, ...key }: ArtifactKey & { runId: string },
  executor: Executor = db(),
): Promise<Artifact | null> {
  return await newest(key, eq(artifacts.runId, runId), executor);
}

/** One version of an artifact, null when there is none. */
export async function artifactVersion(
  { version, ...key }: ArtifactKey & { version: number },
  executor: Executor = db(),
): Promise<Artifact | null> {
  return await newest(key, eq(artifacts.version, version), executor);
}

/** The newest version, null when nothing was published under this key. */
export async function getLatestArtifact(
  key: ArtifactKey,
  executor: Executor = db(),
): Promise<Artifact | null> {
  return await newest(key, undefined, executor);
}

async function newest(
  { projectId, kind, logicalKey }: ArtifactKey,
  also: SQL | undefined,
  executor: Executor,
): Promise<Artifact | null> {
  const [artifact] = await executor
    .select()
    .from(artifacts)
    .where(
      and(
        eq(artifacts.projectId, projectId),
        eq(artifacts.kind, kind),
        eq(artifacts.logicalKey, logicalKey),
        also,
      ),
    )
    .orderBy(desc(artifacts.version))
    .limit(1);
  return artifact ?? null;
}
