import { artifactEntry } from "../audit/happened.ts";
import { type Artifact, artifactOfRun, publishArtifact } from "../data/artifacts.server.ts";
import { appendAudit } from "../data/audit.server.ts";
import { countCitations, insertCitations, repinsOutdated } from "../data/citations.server.ts";
import { lockRun } from "../data/runs.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { redactText } from "../redact.ts";
import { requireLive } from "../runs/states.ts";
import { checkSections, readCitedCode } from "./check.ts";
import { compose } from "./compose.ts";
import { baseOfRun, getChecked, templateOfRun, type Work } from "./draft.ts";
import { sourcesMoved } from "./moved.ts";

export interface Published {
  readonly artifactId: string;
  readonly version: number;
  /** Whether this run made the version. False: the newest said the same already. */
  readonly created: boolean;
  readonly citations: number;
}

/**
 * Publishes a checked draft as the next version, with its citations and its audit entry, all or nothing, once for a run. Each
 * quote is held against its source once more: what was removed since the check is not cited. Throws Conflict
 * (`sources_moved`) when nothing of a section is left by that: its version would say that the documents do not answer it; or
 * (`run_ended`) when the run has ended, or (`base_moved`) when somebody has published another version since this one was begun
 * to be refined.
 */
export async function publishDraft(work: Work, instruction?: string): Promise<Published> {
  const [drafts, template, onto] = await Promise.all([
    getChecked(work),
    templateOfRun(work),
    instruction === undefined ? undefined : baseOfRun(work),
  ]);
  // Outside the transaction, which only looks whether it is still what is searched.
  const code = await readCitedCode(work.projectId, drafts);
  return await transaction(async (tx) => {
    const { projectId, runId, kind, logicalKey } = work;
    // A run that was canceled while this step was under way publishes nothing any more.
    requireLive(await lockRun({ id: runId }, tx), runId);
    // This run may have died between the commit and its step: what it published then is found, also under a newer version.
    const before = await artifactOfRun({ projectId, runId, kind, logicalKey }, tx);
    if (before) return facts(before, true, await countCitations({ artifactId: before.id }, tx));
    const { sections, gone } = await checkSections(projectId, drafts, { code, tx });
    if (gone !== undefined) throw sourcesMoved(kind, gone);
    const { content, metadata, citations } = compose(template, sections, instruction);
    if (redactText(content) !== content) {
      throw new Error(`${kind} would be redacted, and its sections be elsewhere than it says`);
    }
    // What it quotes may stand in another file by now than in the one that the newest version cites.
    const renews = ({ id: artifactId }: Artifact) => repinsOutdated({ artifactId }, citations, tx);
    const { artifact, created } = await publishArtifact(
      { projectId, runId, kind, logicalKey, content, metadata: { ...metadata }, renews, onto },
      tx,
    );
    if (created) {
      await insertCitations({ projectId, artifactId: artifact.id }, citations, tx);
      await appendAudit(artifactEntry(artifact, citations.length), tx);
    }
    return facts(artifact, created, citations.length);
  });
}

function facts({ id, version }: Artifact, created: boolean, citations: number): Published {
  return { artifactId: id, version, created, citations };
}
