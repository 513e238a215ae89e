import { getChunksWithFile } from "../data/chunks.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { inline } from "../markdown.ts";
import { redactText } from "../redact.ts";
import { type PinnedCitation, pin } from "../retrieval/citations.ts";
import {
  type CheckedSection,
  getSection,
  putChecked,
  type SectionDraft,
  templateOfRun,
  type Work,
} from "./draft.ts";
import { sourcesMoved } from "./moved.ts";

export interface Checked {
  readonly sections: readonly CheckedSection[];
  /** Statements of which no quote stands in the source that it names. */
  readonly dropped: number;
  /** Statements that hold what looks like a secret: no artifact repeats one. */
  readonly withheld: number;
  /** A section of which nothing is left because the chunks that it cites are not there any more; undefined: there is none. */
  readonly gone: string | undefined;
}

/**
 * Holds a draft against the sources: what a writer claims counts for nothing until its quote was found in the chunk that it
 * names. Keeps what stood the test as the checked draft. Returns counts. Throws Conflict (`sources_moved`) when a section has lost
 * all that it cites: it is not so that the documents do not answer it.
 */
export async function checkArtifact(work: Work): Promise<{
  statements: number;
  citations: number;
  unanswered: number;
  dropped: number;
  withheld: number;
}> {
  const drafts: SectionDraft[] = [];
  for (const { id } of (await templateOfRun(work)).sections)
    drafts.push(await getSection(work, id));
  const { sections, dropped, withheld, gone } = await checkSections(work.projectId, drafts);
  if (gone !== undefined) throw sourcesMoved(work.kind, gone);
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
  const lost = new Set<string>();
  const sections = drafts.map(({ id, statements, model }): CheckedSection => {
    const kept = statements.flatMap(({ text, citations }) => {
      if (inline(text) === "" || holdsSecret({ text, citations })) {
        withheld++;
        return [];
      }
      const pinned = citations.flatMap(({ chunkId, quote }): PinnedCitation[] => {
        const chunk = chunks.get(chunkId);
        const found = chunk && pin(chunk, quote);
        return found ? [found] : [];
      });
      if (pinned.length === 0) dropped++;
      if (citations.some(({ chunkId }) => !chunks.has(chunkId))) lost.add(id);
      return pinned.length === 0 ? [] : [{ text, citations: pinned }];
    });
    return { id, statements: kept, model };
  });
  const gone = sections.find(({ id, statements }) => statements.length === 0 && lost.has(id))?.id;
  return { sections, dropped, withheld, gone };
}

/**
 * Whether a statement or one of its quotes looks like a secret: nobody repeats one. Also as it will be written: what
 * goes before citations' numbers ("the password:") makes them look like a secret, and redacted as a whole the text would lose
 * them, and an artifact have its sections elsewhere than it says.
 */
export function holdsSecret(statement: {
  text: string;
  citations: readonly { quote: string }[];
}): boolean {
  return [statement.text, ...statement.citations.map(({ quote }) => quote)].some(
    (text) => redactText(text) !== text || redactText(written(text)) !== written(text),
  );
}

const written = (text: string) => `${inline(text)} [100][101]`;
