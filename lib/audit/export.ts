import { readAudit } from "../data/audit.server.ts";
import { listCheckpoints } from "./checkpoints.ts";
import { GENESIS } from "./entry.ts";

/**
 * A project's chain as lines of JSON: `{"project": …}`, `{"checkpoint": …}` each, `{"entry": …}` each in order, and
 * `{"end": {"entries", "lastHash"}}`, without which the export is not whole. Holds one page of 1,000 entries in memory.
 */
export async function* exportAudit(projectId: string): AsyncGenerator<string> {
  yield line({ project: { projectId, format: 1 } });
  // Before the entries: one about an entry that is appended meanwhile would look like a chain that was cut.
  for (const checkpoint of await listCheckpoints(projectId)) yield line({ checkpoint });
  let [seq, lastHash] = [0, GENESIS];
  for (;;) {
    const page = await readAudit({ projectId, after: seq });
    const last = page.at(-1);
    if (!last) break;
    yield page.map((entry) => line({ entry })).join("");
    [seq, lastHash] = [last.seq, last.hash];
  }
  yield line({ end: { entries: seq, lastHash } });
}

const line = (value: unknown) => `${JSON.stringify(value)}\n`;
