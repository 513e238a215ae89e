import { indexedText, sectionsOf, UNANSWERED } from "../artifacts/compose.ts";
import { type Artifact, readArtifact } from "../data/artifacts.server.ts";
import type { Passage } from "../model/port.ts";
import { type Pinned, placeOf, spanOf } from "../retrieval/citations.ts";
import { codePassageId, codePlace, pinCode } from "../retrieval/code.ts";
import { fuse } from "../retrieval/fuse.ts";
import { SEARCH_TYPES, type SearchHit, search } from "../retrieval/search.ts";

/** A few pages of text, of which the best come first. */
const PASSAGES = 12;
/** A query is a sentence or two. */
const MAX_QUERY_CHARS = 1000;

/** Something that an answer may cite. */
export type Source = Passage &
  (
    | { readonly type: "chunk"; readonly chunkId: string }
    /** Neither a version nor a commit changes: their quotes can be pinned at any time. */
    | { readonly type: "artifact" | "code"; readonly pin: (quote: string) => Pinned | null }
  );

export interface Found {
  readonly sources: readonly Source[];
  /** Set when less was searched than should be, and why. */
  readonly warning?: string | undefined;
}

/** What the project's documents, artifacts and code say about these queries, best first. */
export async function findSources(projectId: string, queries: readonly string[]): Promise<Found> {
  const answers = await Promise.all(
    queries.map((text) => {
      const query = text.slice(0, MAX_QUERY_CHARS).toWellFormed();
      return search({ projectId, query, topK: PASSAGES, types: SEARCH_TYPES });
    }),
  );
  const best = fuse(answers.map(({ hits }) => hits)).slice(0, PASSAGES);
  const artifacts = await artifactsOf(best);
  return {
    sources: best.flatMap((hit) => sourceOf(hit, artifacts)),
    warning: answers.find(({ warning }) => warning !== undefined)?.warning,
  };
}

async function artifactsOf(hits: readonly SearchHit[]): Promise<Map<string, Artifact>> {
  const ids = hits.flatMap((hit) => (hit.type === "artifact" ? [hit.artifactId] : []));
  const rows = await Promise.all([...new Set(ids)].map((id) => readArtifact({ id })));
  return new Map(rows.map((row) => [row.id, row]));
}

function sourceOf(hit: SearchHit, artifacts: ReadonlyMap<string, Artifact>): Source[] {
  if (hit.type === "chunk") {
    const { chunkId, text } = hit;
    return [
      { type: "chunk", id: chunkId, chunkId, label: placeOf({ ...hit, fileName: hit.file }), text },
    ];
  }
  if (hit.type === "code") return [codeSource(hit)];
  const artifact = artifacts.get(hit.artifactId);
  return artifact ? sectionSource(artifact, hit.text) : [];
}

/** The section that was found, by what the index has of it; what is cited is the version's content. */
function sectionSource(artifact: Artifact, found: string): Source[] {
  const { id: citedArtifactId, kind, logicalKey, version, content } = artifact;
  const section = sectionsOf(artifact).find((one) => indexedText(artifact, one) === found);
  if (!section || section.text === UNANSWERED) return [];
  const pin = (quote: string) => {
    const span = spanOf(content, quote, section.start);
    if (!span || span.endOffset > section.start + section.text.length) return null;
    return {
      ...{ citedArtifactId, artifactKind: kind, artifactKey: logicalKey, artifactVersion: version },
      ...{ artifactSha256: artifact.contentSha256, ...span, quote },
    };
  };
  const id = `${citedArtifactId}:${section.id}`;
  const label = `${kind} ${logicalKey}, version ${version}, ${section.heading}`;
  return [{ type: "artifact", id, label, text: section.text, pin }];
}

function codeSource(hit: Extract<SearchHit, { type: "code" }>): Source {
  const pin = (quote: string) => pinCode(hit, quote);
  return { type: "code", id: codePassageId(hit), label: codePlace(hit), text: hit.text, pin };
}
