import { effectsOfRun } from "../data/effects.server.ts";
import { readRun } from "../data/runs.server.ts";
import type { Wish } from "../effects/plan.ts";
import { ledgerInput } from "../runs/input.ts";
import { readHead } from "./client.ts";

const TIMEOUT_MS = 5000;

/** What a run still has to create, against the book's head as it is now: what is confirmed already is not wished again. */
export async function ledgerWishes(runId: string): Promise<Wish[]> {
  const { input } = await readRun({ id: runId });
  const { book, entries } = ledgerInput.parse(input);
  const head = await readHead(book, AbortSignal.timeout(TIMEOUT_MS));
  const rows = await effectsOfRun({ runId });
  const done = new Set(
    rows.flatMap(({ status, stepId }) => (status === "confirmed" ? stepId : [])),
  );
  return entries.flatMap(({ kind, name, value }, index) => {
    const stepId = `create-${index + 1}`;
    if (done.has(stepId)) return [];
    return { stepId, kind: `ledger.${kind}`, params: { book, head, name, value } };
  });
}
