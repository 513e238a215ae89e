import type { Readable } from "node:stream";
import * as z from "zod";
import { BUNDLE_KIND } from "../artifacts/kinds.ts";
import { blobStore } from "../blob/blob.ts";
import { newestOfRun } from "../data/bundles.server.ts";
import type { Run } from "../data/runs.server.ts";
import { Conflict, NotFound } from "../errors.ts";
import { isLive } from "../runs/states.ts";

const stored = z.object({
  attempt: z.int(),
  sha256: z.string(),
  bytes: z.int(),
  blob: z.string(),
});

/**
 * The bundle of an implementation run's newest end. Throws NotFound `no_bundle` for another, Conflict `run_not_ended` for one that is under way, and `bundle_not_ready` as long as it
 * is being made; `open` throws NotFound when its blob is gone.
 */
export async function readBundle(
  run: Run,
): Promise<{ sha256: string; bytes: number; open: () => Promise<Readable> }> {
  const { id: runId, kind, status, attempt } = run;
  if (kind !== "implementation") {
    const what = `The run ${runId} changes nothing outside: only implementation runs have a bundle.`;
    throw new NotFound("no_bundle", what);
  }
  if (isLive(run)) {
    const what = `The run ${runId} is ${status}: it has a bundle once it has ended.`;
    throw new Conflict("run_not_ended", what, { status });
  }
  const artifact = await newestOfRun({ runId, kind: BUNDLE_KIND });
  const found = artifact && stored.parse(artifact.metadata);
  if (found?.attempt !== attempt) {
    const what = `The bundle of ${runId} is being made: ask again in a minute.`;
    throw new Conflict("bundle_not_ready", what);
  }
  const { sha256, bytes, blob } = found;
  return { sha256, bytes, open: () => blobStore().get(blob) };
}
