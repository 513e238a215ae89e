import { countUnread } from "../data/file-progress.server.ts";
import { readRun } from "../data/runs.server.ts";
import { log } from "../log.ts";

/** Events that were sent together come in any order, and clocks differ. */
const TOGETHER_MS = 10_000;
/** A link may wait for its host for hours. */
const LINK_MS = 5 * 60_000;
/** Bytes that are here are read within minutes, unless something is wrong with them or with us. */
const FILE_MS = 15 * 60_000;

/**
 * How many files of its project that came with a run, or before it, are not searchable yet and may become so, and how many of them
 * are `awaited`: a file is from when it came on for 15 minutes, and for 5 as long as its link is not fetched. Throws NotFound
 * when the run is not there.
 */
export async function unreadFiles(runId: string): Promise<{ unread: number; awaited: number }> {
  const { projectId, createdAt } = await readRun({ id: runId });
  const until = new Date(createdAt.getTime() + TOGETHER_MS);
  const found = await countUnread({ projectId, until, linkMs: LINK_MS, fileMs: FILE_MS });
  if (found.awaited === 0 && found.unread > 0) {
    log.warn("a run goes on without files that are not read", { projectId, runId, ...found });
  }
  return found;
}
