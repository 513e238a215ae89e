import * as z from "zod";
import { InvalidInput } from "../../errors.ts";
import type { FileChange } from "../../git/patch.ts";
import { fact, type RunIds } from "../work.ts";
import { Draft, type DraftEntry, draftSchema, stateAfter } from "./draft.ts";

/** More turns than a change takes that one person can review. */
export const MAX_TURNS = 40;

/** Of what a turn leaves (turn.ts) what the phases after it need: without what was said. */
const stateSchema = z.object({ draft: draftSchema });
const resultSchema = z.object({ turn: z.number() });

/**
 * Where the finished draft is: in what this turn left. Throws InvalidInput (`draft_unfinished`) for null, when all turns went by
 * before it was.
 */
export async function draftResult(
  ids: RunIds,
  turn: number | null,
): Promise<{ turn: number; files: number }> {
  if (turn === null) {
    const what = `The model has not finished the change in ${MAX_TURNS} turns, and nothing was changed outside.`;
    throw new InvalidInput("draft_unfinished", what);
  }
  return { turn, files: (await entriesAfter(ids, turn)).length };
}

/** The change that a model has made for a run. Throws InvalidInput (`phase_missing`) before it has. */
export async function draftOf(ids: RunIds): Promise<FileChange[]> {
  const { turn } = await fact(ids.runId, "draft/result", resultSchema);
  return await new Draft(ids, await entriesAfter(ids, turn)).changes();
}

async function entriesAfter(ids: RunIds, turn: number): Promise<DraftEntry[]> {
  return stateSchema.parse(await stateAfter(ids, turn)).draft;
}
