import { getLatestArtifact, readArtifact } from "../data/artifacts.server.ts";
import { getChunksWithFile } from "../data/chunks.server.ts";
import { skillsOf } from "../model/skills.ts";
import { write } from "../model/write.ts";
import { placeOf } from "../retrieval/citations.ts";
import { codePlace, readCode } from "../retrieval/code.ts";
import { sectionText } from "./compose.ts";
import { baseOfRun, putSection, templateChanged, templateOfRun, type Work } from "./draft.ts";
import type { ResearchInput } from "./input.ts";
import { sourcesMoved } from "./moved.ts";

/**
 * Writes one section from the chunks and code that were gathered for it, and keeps it as a draft. What has gone since is
 * left out; when all have, it throws Conflict (`sources_moved`). Returns counts; other errors are those of `write` in lib/model.
 */
export async function writeSection(
  work: Work,
  input: { id: string; chunkIds: readonly string[]; research: ResearchInput; stepId: string },
): Promise<{ statements: number; model: string | null; dropped: number }> {
  const { id, chunkIds, research, stepId } = input;
  const { projectId, runId, kind } = work;
  const { title, sections } = await templateOfRun(work);
  const section = sections.find((one) => one.id === id);
  if (!section) throw templateChanged(kind, id);
  const found = await passages(projectId, chunkIds);
  if (found.length === 0 && chunkIds.length > 0) throw sourcesMoved(kind, id);
  const written = await write(
    {
      task: `${title}, section "${section.heading}": ${section.guidance} Topics: ${section.queries.join("; ")}.`,
      // Without one, a short task would be taken for a question, of which an answer has to have more.
      brief: research.brief || title,
      ...(research.refine && {
        instruction: research.refine.instruction,
        previous: await previousText(work, id),
      }),
      passages: found,
    },
    { projectId, runId, stepId, ...(research.budget && { budget: research.budget }) },
    () => skillsOf(projectId),
  );
  const statements = written.statements.map(({ text, citations }) => ({
    text,
    citations: citations.map(({ passageId: chunkId, quote }) => ({ chunkId, quote })),
  }));
  await putSection(work, { id, statements, model: written.model });
  return { statements: statements.length, model: written.model, dropped: written.dropped };
}

async function passages(projectId: string, chunkIds: readonly string[]) {
  const code = await readCode(projectId, chunkIds);
  const ids = chunkIds.filter((id) => !code.has(id));
  const chunks = await getChunksWithFile({ projectId, ids });
  const byId = new Map(chunks.map((chunk) => [chunk.id, chunk]));
  return chunkIds.flatMap((id) => {
    const lines = code.get(id);
    if (lines) return [{ id, label: codePlace(lines), text: lines.text }];
    const chunk = byId.get(id);
    return chunk ? [{ id, label: placeOf(chunk), text: chunk.content }] : [];
  });
}

/** What the section says in the version that is refined; empty when there is none. */
async function previousText(work: Work, section: string): Promise<string> {
  const base = await baseOfRun(work);
  const previous = base ? await readArtifact({ id: base }) : await getLatestArtifact(work);
  return previous ? sectionText(previous, section) : "";
}
