import {
  countPending,
  insertCodeFiles,
  listCodeKeys,
  setGone,
  type WantedFile,
} from "../../data/code-files.server.ts";
import { lockIndexing } from "../../data/code-index.server.ts";
import { transaction } from "../../data/transaction.server.ts";
import { InvalidInput } from "../../errors.ts";
import { attributesOf } from "../../git/attributes.ts";
import { listTree } from "../../git/tree.ts";
import { languageOf } from "../../ingest/extract/languages.ts";
import { type PathReason, pathReason } from "../choose.ts";
import { codeKey } from "../keys.ts";
import { recordFailure } from "./failure.ts";
import { type IndexJob, withCommit } from "./job.ts";

/** More files than this are refused: each is a row, and all are in memory at once, some 300 bytes each. */
const MAX_FILES = 200_000;
const GENERATED = "linguist-generated";
const VENDORED = "linguist-vendored";

/** How many files are not indexed, by reason. */
export type Skipped = Readonly<Record<string, number>>;

export type Planned =
  | {
      readonly outcome: "planned";
      /** Versions of files that are new to the index, and that are no longer in it. */
      readonly added: number;
      readonly gone: number;
      /** Files whose vectors are still to be written, also those of a plan whose answer was lost or that was not written. */
      readonly pending: number;
      readonly skipped: Skipped;
    }
  | { readonly outcome: "superseded" }
  | { readonly outcome: "refused"; readonly reason: string };

/** Reads a commit's tree from GitHub and plans its generation; what can never work is recorded and answered. */
export async function planIndex(job: IndexJob): Promise<Planned> {
  try {
    const read = await withCommit(job, (dir) => wantedFiles(dir, job.commitSha));
    if (read === null) return { outcome: "superseded" };
    return await planGeneration(job, read);
  } catch (error) {
    return await recordFailure(job, error);
  }
}

/** The files of a commit that are to be indexed, as far as it can be told without reading them. */
export async function wantedFiles(
  dir: string,
  commitSha: string,
): Promise<{ files: WantedFile[]; skipped: Skipped }> {
  const skipped: Record<string, number> = {};
  const skip = (reason: PathReason) => {
    skipped[reason] = (skipped[reason] ?? 0) + 1;
  };
  const files: WantedFile[] = [];
  let attributes = false;
  for await (const entry of listTree(dir, commitSha)) {
    const { path, sha: blobSha } = entry;
    attributes ||= path.endsWith(".gitattributes");
    const reason = pathReason(entry);
    if (reason !== null) skip(reason);
    else {
      const language = languageOf(path) ?? "text";
      files.push({ key: codeKey({ path, blobSha }), path, blobSha, language });
    }
    if (files.length <= MAX_FILES) continue;
    const what = `The repository has more than the ${MAX_FILES} files that are indexed.`;
    throw new InvalidInput("too_many_files", what);
  }
  if (!attributes) return { files, skipped };
  const paths = files.map(({ path }) => path);
  const said = await attributesOf(dir, { commitSha, paths, names: [GENERATED, VENDORED] });
  const kept = files.filter(({ path }) => {
    const names = said.get(path);
    if (names) skip(names.has(GENERATED) ? "generated" : "vendored");
    return !names;
  });
  return { files: kept, skipped };
}

/**
 * Turns what the index knows into what the next generation has to have, without touching what is searched: new versions of
 * files begin with it, versions that the commit does not have end with it. What a plan that was not finished left is taken
 * over or ended. Can be repeated: nothing is added then, and as much is pending as has not been written meanwhile.
 */
export async function planGeneration(
  { repoId, commitSha }: Pick<IndexJob, "repoId" | "commitSha">,
  { files, skipped }: { files: readonly WantedFile[]; skipped: Skipped },
): Promise<Planned> {
  return await transaction(async (tx) => {
    const repo = await lockIndexing({ repoId, commitSha }, tx);
    if (!repo) return { outcome: "superseded" };
    const next = repo.indexGeneration + 1;
    const wanted = new Map(files.map((file) => [file.key, file]));
    const gone: string[] = [];
    const back: string[] = [];
    for (const { key, toGeneration } of await listCodeKeys({ repoId }, tx)) {
      const kept = wanted.delete(key);
      if (kept && toGeneration !== null) back.push(key);
      if (!kept && toGeneration === null) gone.push(key);
    }
    const added = [...wanted.values()];
    await setGone({ repoId, keys: gone, toGeneration: next }, tx);
    await setGone({ repoId, keys: back, toGeneration: null }, tx);
    await insertCodeFiles({ repoId, commitSha, fromGeneration: next, files: added }, tx);
    const pending = await countPending({ repoId }, tx);
    return { outcome: "planned", added: added.length, gone: gone.length, pending, skipped };
  });
}
