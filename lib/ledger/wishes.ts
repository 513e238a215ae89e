import { effectsOfRun } from "../data/effect-lists.server.ts";
import { readRun } from "../data/runs.server.ts";
import type { Wish } from "../effects/wish.ts";
import { ledgerInput } from "../runs/input.ts";
import { readHead } from "./client.ts";

const TIMEOUT_MS = 5000;

/**
 * What a run still has to create, against the book's head as it is now. What is confirmed is not wished again, and what
 * may exist already is wished as it was sent: only a look can tell what became of it.
 */
export async function ledgerWishes(runId: string): Promise<Wish[]> {
  const { input } = await readRun({ id: runId });
  const { book, entries } = ledgerInput.parse(input);
  const head = await readHead(book, AbortSignal.timeout(TIMEOUT_MS));
  const rows = new Map((await effectsOfRun({ runId })).map((row) => [row.stepId, row]));
  return entries.flatMap((entry, index) => {
    const stepId = `create-${index + 1}`;
    const row = rows.get(stepId);
    if (row?.status === "confirmed") return [];
    if (row && ["claimed", "sent", "unknown"].includes(row.status)) {
      return { stepId, kind: row.kind, params: row.params };
    }
    const { kind, name, value } = entry;
    return { stepId, kind: `ledger.${kind}`, params: { book, head, name, value } };
  });
}
