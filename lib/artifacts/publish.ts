import { artifactEntry } from "../audit/happened.ts";
import { type Artifact, publishArtifact } from "../data/artifacts.server.ts";
import { appendAudit } from "../data/audit.server.ts";
import { insertCitations } from "../data/citations.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { checkSections } from "./check.ts";
import { compose } from "./compose.ts";
import { getChecked, type SectionDraft, type Work } from "./draft.ts";
import { templateOf } from "./kinds.ts";

export interface Published {
  readonly artifactId: string;
  readonly version: number;
  /** False: the newest version says the same already. */
  readonly created: boolean;
  readonly citations: number;
}

/**
 * Publishes a checked draft as the next version, with its citations and its audit entry, all or nothing. Each quote is
 * held against its source once more: what was removed since the check is not cited.
 */
export async function publishDraft(work: Work, instruction?: string): Promise<Published> {
  const checked = await getChecked(work);
  const drafts: SectionDraft[] = checked.map(({ id, statements, model }) => ({
    id,
    statements,
    model,
  }));
  return await transaction(async (tx) => {
    const { sections } = await checkSections(work.projectId, drafts, tx);
    const { content, metadata, citations } = compose(templateOf(work.kind), sections, instruction);
    const { projectId, runId, kind, logicalKey } = work;
    const { artifact, created } = await publishArtifact(
      { projectId, runId, kind, logicalKey, content, metadata: { ...metadata } },
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
