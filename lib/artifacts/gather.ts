import { log } from "../log.ts";
import { fuse } from "../retrieval/fuse.ts";
import { search } from "../retrieval/search.ts";
import type { ResearchInput } from "./input.ts";
import { type Section, templateOf } from "./kinds.ts";

/** Passages that one section is written from: a few pages of text. */
const PASSAGES = 8;
const HITS_PER_QUERY = 8;
/** A query is a sentence or two. */
const MAX_QUERY_CHARS = 500;

/** The chunks that each section of an artifact is to be written from, best first: ids, the texts stay where they are. */
export interface Gathered {
  readonly sections: readonly { readonly id: string; readonly chunkIds: readonly string[] }[];
  /** Whether the vector store was down and words alone were matched. */
  readonly degraded: boolean;
}

/** Looks for what the project's documents say about each section of an artifact. */
export async function gatherSources(input: {
  projectId: string;
  kind: string;
  research: ResearchInput;
}): Promise<Gathered> {
  const { projectId, kind, research } = input;
  const sections: { id: string; chunkIds: string[] }[] = [];
  let degraded = false;
  for (const section of templateOf(kind).sections) {
    const found = await passagesFor(projectId, queriesOf(section, research));
    degraded ||= found.degraded;
    sections.push({ id: section.id, chunkIds: found.chunkIds });
  }
  if (degraded) log.warn("sources were gathered by words alone", { projectId, kind });
  return { sections, degraded };
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
async function passagesFor(
  projectId: string,
  queries: readonly string[],
): Promise<{ chunkIds: string[]; degraded: boolean }> {
  const answers = await Promise.all(
    queries.map((query) =>
      search({ projectId, query, topK: HITS_PER_QUERY, types: ["chunk"] as const }),
    ),
  );
  const best = fuse(answers.map(({ hits }) => hits)).slice(0, PASSAGES);
  return {
    chunkIds: best.flatMap((hit) => (hit.type === "chunk" ? [hit.chunkId] : [])),
    degraded: answers.some(({ warning }) => warning !== undefined),
  };
}
