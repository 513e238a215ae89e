import { codePassageId } from "../retrieval/code.ts";
import { fuse } from "../retrieval/fuse.ts";
import { search, vectorsUnavailable } from "../retrieval/search.ts";
import { pinBase, pinTemplate, type Work } from "./draft.ts";
import type { ResearchInput } from "./input.ts";
import type { Section } from "./kinds.ts";

/** Passages that one section is written from: a few pages of text. */
const PASSAGES = 8;
const HITS_PER_QUERY = 8;
/** A query is a sentence or two. */
const MAX_QUERY_CHARS = 500;

/**
 * The chunks of documents and passages of code that each section of an artifact is to be written from, best first: ids, the
 * texts stay where they are.
 */
export interface Gathered {
  readonly sections: readonly { readonly id: string; readonly chunkIds: readonly string[] }[];
}

/**
 * Looks for what the project's documents and code say about each section of an artifact, which from then on are those of the
 * run. Throws Unavailable while the vector store does not answer: what is found by words alone would be published, and a run
 * can wait.
 */
export async function gatherSources(work: Work, research: ResearchInput): Promise<Gathered> {
  const { projectId } = work;
  if (research.refine) await pinBase(work);
  const sections: { id: string; chunkIds: string[] }[] = [];
  for (const section of (await pinTemplate(work)).sections) {
    const chunkIds = await passagesFor(projectId, queriesOf(section, research));
    sections.push({ id: section.id, chunkIds });
  }
  return { sections };
}

function queriesOf(section: Section, { brief, refine }: ResearchInput): string[] {
  const own = brief === "" ? [] : [`${section.heading}: ${brief}`];
  const asked = refine ? [`${section.heading}: ${refine.instruction}`] : [];
  return [...section.queries, ...own, ...asked].map((query) =>
    // Never half a character: not every server takes one.
    query.slice(0, MAX_QUERY_CHARS).toWellFormed(),
  );
}

/** The best passages over all queries. */
async function passagesFor(projectId: string, queries: readonly string[]): Promise<string[]> {
  const answers = await Promise.all(
    queries.map((query) =>
      search({ projectId, query, topK: HITS_PER_QUERY, types: ["chunk", "code"] as const }),
    ),
  );
  if (answers.some(({ warning }) => warning !== undefined)) throw vectorsUnavailable(projectId);
  const best = fuse(answers.map(({ hits }) => hits)).slice(0, PASSAGES);
  return best.flatMap((hit) => {
    if (hit.type === "code") return [codePassageId(hit)];
    return hit.type === "chunk" ? [hit.chunkId] : [];
  });
}
