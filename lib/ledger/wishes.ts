import { readRun } from "../data/runs.server.ts";
import type { Wish } from "../effects/wish.ts";
import { ledgerInput } from "../runs/input.ts";
import { readHead } from "./client.ts";

const TIMEOUT_MS = 5000;

/** What a run creates in the ledger, against the book's head as it is now. */
export async function ledgerWishes(runId: string): Promise<Wish[]> {
  const { input } = await readRun({ id: runId });
  const { book, entries } = ledgerInput.parse(input);
  const head = await readHead(book, AbortSignal.timeout(TIMEOUT_MS));
  return entries.map(({ kind, name, value }, index) => ({
    stepId: `create-${index + 1}`,
    kind: `ledger.${kind}`,
    params: { book, head, name, value },
  }));
}
