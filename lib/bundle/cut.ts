import * as z from "zod";
import { PROVENANCE_KIND } from "../artifacts/kinds.ts";
import { listCheckpoints } from "../audit/checkpoints.ts";
import { artifactEntry } from "../audit/happened.ts";
import { canonicalJson } from "../canonical.ts";
import { type Artifact, publishArtifact } from "../data/artifacts.server.ts";
import { appendAudit, readRunAudit } from "../data/audit.server.ts";
import { deploymentRows, newestOfRun } from "../data/bundles.server.ts";
import { infraOfRun } from "../data/infra.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { lockRun } from "../data/runs.server.ts";
import { listJobs } from "../data/sandbox-jobs.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { redactJson } from "../redact.ts";
import { isLive } from "../runs/states.ts";
import { cutOf, effectAccount, runAccount } from "./account.ts";
import { withIntents } from "./covered.ts";
import { FORMAT } from "./format.ts";
import { nothingShipped, shippedCommit } from "./shipped.ts";

export interface RunKey {
  readonly projectId: string;
  readonly runId: string;
}

const row = z.looseObject({ id: z.string() });

/** What a bundle takes from the record of its cut: all that the chain does not say and that may be different tomorrow. */
export const recordSchema = z.looseObject({
  run: z.string(),
  cut: z.strictObject({ seq: z.int(), hash: z.string(), at: z.string() }),
  checkpoints: z.array(z.int()),
  deployments: z.array(row),
  infra: z.array(row),
  jobs: z.array(row.extend({ status: z.string(), transcriptBlobRef: z.string().nullable() })),
});
export type CutRecord = z.infer<typeof recordSchema>;

/**
 * Fixes how a run ended, once for each end: publishes what it has shipped, with its jobs, deployments and resources as they
 * are now and the checkpoints that there are, so that a bundle which is made again later is the same. Null when there
 * is no such implementation run or it has not ended, goes on already, or its project is being deleted. Said again for the same end, it gives the same version.
 */
export async function recordCut({ projectId, runId }: RunKey): Promise<Artifact | null> {
  // Before the lock: each is a read of the blob store.
  const [begin] = await readRunAudit({ projectId, runId });
  const vouched = await listCheckpoints(projectId, (begin?.seq ?? 1) - 1);
  return await transaction(async (tx) => {
    const run = await lockRun({ id: runId }, tx);
    if (run?.projectId !== projectId || run.kind !== "implementation" || isLive(run)) return null;
    if (!(await projectExists({ id: projectId }, tx))) return null;
    const all = await readRunAudit({ projectId, runId }, tx);
    const cut = cutOf(runId, all);
    if (!cut) throw new Error(`the chain of ${projectId} does not say that ${runId} has ended`);
    const before = await newestOfRun({ runId, kind: PROVENANCE_KIND }, tx);
    if (before?.metadata.cut === cut.seq) return before;
    const entries = all.filter(({ seq }) => seq <= cut.seq);
    const { told, run: account } = runAccount(runId, entries, cut);
    const effects = await withIntents(told.effects.map(effectAccount), tx);
    const checkpoints = vouched.map(({ seq }) => seq).filter((seq) => seq <= cut.seq);
    const content = {
      ...{ format: FORMAT, run: runId, project: projectId, kind: run.kind, mode: run.mode },
      ...{ status: account.status, attempt: account.attempt, cut, checkpoints },
      repository: repositoryOf(run.input),
      commit: shippedCommit(effects),
      nothingShipped: nothingShipped(account, effects),
      effects: effects.map(({ intent: _, params: __, ...facts }) => facts),
      deployments: plain(await deploymentRows({ runId }, tx)),
      infra: plain(await infraOfRun({ runId }, tx)),
      jobs: plain(await listJobs({ runId }, tx)),
    };
    const { artifact } = await publishArtifact(
      {
        ...{ projectId, runId, kind: PROVENANCE_KIND, logicalKey: runId },
        content: canonicalJson(redactJson(content)),
        metadata: { cut: cut.seq, attempt: account.attempt },
      },
      tx,
    );
    await appendAudit(artifactEntry(artifact, 0), tx);
    return artifact;
  });
}

/** Rows as JSON has them. */
function plain(rows: readonly object[]): unknown {
  return JSON.parse(JSON.stringify(rows));
}

function repositoryOf({ repository }: Record<string, unknown>): string | null {
  return typeof repository === "string" ? repository : null;
}
