import { getChunksWithFile } from "../data/chunks.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { inline } from "../markdown.ts";
import { redactText } from "../redact.ts";
import { pin } from "../retrieval/citations.ts";
import { type CodePassage, pinCode, readCode, seenCode } from "../retrieval/code.ts";
import {
  type CheckedSection,
  type Cited,
  getSection,
  putChecked,
  type SectionDraft,
  templateOfRun,
  type Work,
} from "./draft.ts";
import { sourcesMoved } from "./moved.ts";

export interface Checked {
  readonly sections: readonly CheckedSection[];
  /** The same as the writer said it, without what did not stand the check. */
  readonly kept: readonly SectionDraft[];
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
  const { projectId } = work;
  const code = await readCitedCode(projectId, drafts);
  const checked = await checkSections(projectId, drafts, { code });
  const { sections, kept, dropped, withheld, gone } = checked;
  if (gone !== undefined) throw sourcesMoved(work.kind, gone);
  await putChecked(work, kept);
  const statements = sections.flatMap((section) => section.statements);
  return {
    statements: statements.length,
    citations: statements.flatMap(({ citations }) => citations).length,
    unanswered: sections.filter((section) => section.statements.length === 0).length,
    dropped,
    withheld,
  };
}

const citedIn = (drafts: readonly SectionDraft[]): string[] => {
  const ids = drafts.flatMap(({ statements }) =>
    statements.flatMap(({ citations }) => citations.map(({ chunkId }) => chunkId)),
  );
  return [...new Set(ids)];
};

/** The code that drafts cite, from the vector store: an id never stands for other lines, but may be gone. */
export async function readCitedCode(
  projectId: string,
  drafts: readonly SectionDraft[],
): Promise<Map<string, CodePassage>> {
  return await readCode(projectId, citedIn(drafts));
}

/**
 * The sections with only those statements that can be shown to stand in the project's chunks and code as these are now.
 * `code` is what {@link readCitedCode} gave.
 */
export async function checkSections(
  projectId: string,
  drafts: readonly SectionDraft[],
  about: { readonly code: ReadonlyMap<string, CodePassage>; readonly tx?: Tx },
): Promise<Checked> {
  const { tx } = about;
  const ids = citedIn(drafts).filter((id) => !about.code.has(id));
  const rows = ids.length === 0 ? [] : await getChunksWithFile({ projectId, ids }, tx);
  const chunks = new Map(rows.map((row) => [row.id, row]));
  const code = await seenCode(projectId, about.code, tx);
  const pinOf = (id: string, quote: string): Cited | null => {
    const [chunk, lines] = [chunks.get(id), code.get(id)];
    if (lines) return pinCode(lines, quote);
    return chunk ? pin(chunk, quote) : null;
  };
  let dropped = 0;
  let withheld = 0;
  const lost = new Set<string>();
  const kept: SectionDraft[] = [];
  const sections = drafts.map(({ id, statements, model }): CheckedSection => {
    const stood: SectionDraft["statements"][number][] = [];
    const pinnedStatements = statements.flatMap(({ text, citations }) => {
      if (inline(text) === "" || holdsSecret({ text, citations })) {
        withheld++;
        return [];
      }
      const found = citations.map((one) => ({ one, pinned: pinOf(one.chunkId, one.quote) }));
      const pinned = found.flatMap(({ pinned }) => pinned ?? []);
      const there = ({ chunkId }: { chunkId: string }) => chunks.has(chunkId) || code.has(chunkId);
      if (!citations.every(there)) lost.add(id);
      if (pinned.length === 0) {
        dropped++;
        return [];
      }
      stood.push({
        text,
        citations: found.flatMap(({ one, pinned }) => (pinned === null ? [] : [one])),
      });
      return [{ text, citations: pinned }];
    });
    kept.push({ id, statements: stood, model });
    return { id, statements: pinnedStatements, model };
  });
  const gone = sections.find(({ id, statements }) => statements.length === 0 && lost.has(id))?.id;
  return { sections, kept, dropped, withheld, gone };
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
