import { hash } from "node:crypto";
import { visibleCodeFiles } from "../data/code-files.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { SEPARATOR } from "../ingest/chunk/embedded-text.ts";
import { keyOfVector } from "../repos/keys.ts";
import { fetchTexts, namespaces } from "../upstash/vector.ts";
import { type CodeCitation, spanOf } from "./citations.ts";

/** Lines of a connected repository as the index has them: what stands there at that commit, with what is secret redacted. */
export interface CodePassage {
  readonly repoId: string;
  readonly path: string;
  readonly commitSha: string;
  readonly lineStart: number;
  readonly lineEnd: number;
  readonly text: string;
}

/** Names a passage of code between steps. The vector's id names path and content, so the same id never says anything else. */
export function codePassageId({ repoId, vectorId }: { repoId: string; vectorId: string }): string {
  return `${repoId}/${vectorId}`;
}

/** Which file of which repository a passage's id is about; null when it names no code. */
function fileOf(id: string): { repoId: string; vectorId: string; key: string } | null {
  const [repoId = "", vectorId = ""] = id.split("/");
  const key = keyOfVector(vectorId);
  return key === null ? null : { repoId, vectorId, key };
}

/**
 * The passages of code among these ids as they are now; those that are not in the index any more are missing, and so are ids
 * of other things. Throws what the vector store's client throws.
 */
export async function readCode(
  projectId: string,
  ids: readonly string[],
): Promise<Map<string, CodePassage>> {
  const wanted = [...new Set(ids)].flatMap((id) => fileOf(id) ?? []);
  const found = new Map<string, CodePassage>();
  for (const [repoId, of] of Map.groupBy(wanted, (one) => one.repoId)) {
    const vectorIds = of.map(({ vectorId }) => vectorId);
    for (const { id, metadata, data } of await fetchTexts(
      namespaces.repo(projectId, repoId),
      vectorIds,
    )) {
      if (metadata.type !== "code" || metadata.projectId !== projectId) continue;
      const { path, commitSha, chunkStart: lineStart, chunkEnd: lineEnd } = metadata;
      const text = linesOf(data);
      const passage = { repoId, path, commitSha, lineStart, lineEnd, text };
      found.set(codePassageId({ repoId, vectorId: id }), passage);
    }
  }
  return await seenCode(projectId, found);
}

/** Those of these passages that the searched commit of their repository has. */
export async function seenCode(
  projectId: string,
  passages: ReadonlyMap<string, CodePassage>,
  tx?: Tx,
): Promise<Map<string, CodePassage>> {
  const files = [...passages.keys()].flatMap((id) => fileOf(id) ?? []);
  const rows = await visibleCodeFiles({ projectId, files }, tx);
  const seen = new Set(rows.map(({ repoId, key }) => `${repoId} ${key}`));
  return new Map(
    [...passages].filter(([id]) => {
      const file = fileOf(id);
      return file !== null && seen.has(`${file.repoId} ${file.key}`);
    }),
  );
}

/** The lines alone: what was embedded begins with the path. */
export function linesOf(embedded: string): string {
  return embedded.slice(embedded.indexOf(SEPARATOR) + SEPARATOR.length);
}

/** Pins a quote to the lines that it is said to be from; null when it does not stand there exactly so. */
export function pinCode(passage: CodePassage, quote: string): CodeCitation | null {
  const { repoId, path: codePath, commitSha, lineStart, lineEnd, text } = passage;
  const span = spanOf(text, quote);
  const codeSha256 = hash("sha256", text, "hex");
  return span && { repoId, codePath, commitSha, lineStart, lineEnd, codeSha256, ...span, quote };
}

/** Where code is, for a reader: `src/tax.ts, lines 1-3`. */
export function codePlace({
  path,
  lineStart,
  lineEnd,
}: Pick<CodePassage, "path" | "lineStart" | "lineEnd">): string {
  return lineStart === lineEnd
    ? `${path}, line ${lineStart}`
    : `${path}, lines ${lineStart}-${lineEnd}`;
}
