import * as z from "zod";
import { getJson } from "../blob/json.ts";
import { checkKey, projectPrefix } from "../blob/port.ts";
import type { CommitFile } from "../github/branches.ts";
import { putProjectJson } from "../projects/blobs.ts";
import type { RunIds } from "./work.ts";

const stored = z.object({
  base: z.string(),
  tree: z.string(),
  files: z.array(
    z.object({
      path: z.string(),
      mode: z.enum(["100644", "100755"]),
      content: z.base64().nullable(),
    }),
  ),
});

/** What turns the tree of `base` into `tree`. */
export interface Patchset {
  readonly base: string;
  readonly tree: string;
  readonly files: readonly CommitFile[];
}

/** Keeps a patchset for the phases after, and returns its key. Named for its tree: the same change is the same blob. */
export async function putPatchset(
  { projectId, runId }: RunIds,
  patchset: Patchset,
): Promise<string> {
  const { base, tree, files } = patchset;
  const key = checkKey(`${projectPrefix(projectId)}/runs/${runId}/patchset/${tree}.json`);
  const kept = files.map(({ path, mode, bytes }) => ({
    ...{ path, mode },
    content: bytes === null ? null : bytes.toString("base64"),
  }));
  await putProjectJson(projectId, key, { base, tree, files: kept });
  return key;
}

/** The patchset under a key. Throws NotFound. */
export async function getPatchset(key: string): Promise<Patchset> {
  const { base, tree, files } = stored.parse(await getJson(key));
  return {
    ...{ base, tree },
    files: files.map(({ path, mode, content }) => ({
      ...{ path, mode },
      bytes: content === null ? null : Buffer.from(content, "base64"),
    })),
  };
}
