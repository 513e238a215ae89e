import { getChunksWithFile } from "../data/chunks.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { redactText } from "../redact.ts";
import { type PinnedCitation, pin } from "../retrieval/citations.ts";
import {
  type CheckedSection,
  getSection,
  putChecked,
  type SectionDraft,
  type Work,
} from "./draft.ts";
import { templateOf } from "./kinds.ts";

export interface Checked {
  readonly sections: readonly CheckedSection[];
  /** Statements of which no quote stands in the source that it names. */
  readonly dropped: number;
  /** Statements that hold what looks like a secret: no artifact repeats one. */
  readonly withheld: number;
}

/**
 * Holds a draft against the sources: what a writer claims counts for nothing until its quote was found in the chunk that it
 * names. Keeps what stood the test as the checked draft. Returns counts.
 */
export async function checkArtifact(work: Work): Promise<{
  statements: number;
  citations: number;
  unanswered: number;
  dropped: number;
  withheld: number;
}> {
  const drafts: SectionDraft[] = [];
  for (const { id } of templateOf(work.kind).sections) drafts.push(await getSection(work, id));
  const { sections, dropped, withheld } = await checkSections(work.projectId, drafts);
  await putChecked(work, sections);
  const statements = sections.flatMap((section) => section.statements);
  return {
    statements: statements.length,
    citations: statements.flatMap(({ citations }) => citations).length,
    unanswered: sections.filter((section) => section.statements.length === 0).length,
    dropped,
    withheld,
  };
}

/** The sections with only those statements that can be shown to stand in the project's chunks as these are now. */
export async function checkSections(
  projectId: string,
  drafts: readonly SectionDraft[],
  tx?: Tx,
): Promise<Checked> {
  const cited = drafts.flatMap(({ statements }) =>
    statements.flatMap(({ citations }) => citations.map(({ chunkId }) => chunkId)),
  );
  const ids = [...new Set(cited)];
  const rows = ids.length === 0 ? [] : await getChunksWithFile({ projectId, ids }, tx);
  const chunks = new Map(rows.map((row) => [row.id, row]));
  let dropped = 0;
  let withheld = 0;
  const sections = drafts.map(({ id, statements, model }): CheckedSection => {
    const kept = statements.flatMap(({ text, citations }) => {
      if (text.trim() === "" || isSecret(text) || citations.some(({ quote }) => isSecret(quote))) {
        withheld++;
        return [];
      }
      const pinned = citations.flatMap(({ chunkId, quote }): PinnedCitation[] => {
        const chunk = chunks.get(chunkId);
        const found = chunk && pin(chunk, quote);
        return found ? [found] : [];
      });
      if (pinned.length === 0) dropped++;
      return pinned.length === 0 ? [] : [{ text, citations: pinned }];
    });
    return { id, statements: kept, model };
  });
  return { sections, dropped, withheld };
}

const isSecret = (text: string) => redactText(text) !== text;
