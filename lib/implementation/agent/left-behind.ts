import { endJob, listJobs, startJob } from "../../data/sandbox-jobs.server.ts";
import { sandboxProvider } from "../../sandbox/provider.ts";
import type { RunIds } from "../work.ts";
import { turnStep } from "./draft.ts";

const BROKE_OFF = "[ended: its turn broke off, and was made again]";

/**
 * Ends what earlier tries of a turn left behind, which broke off or died with their process: their sandboxes with all that runs in
 * there, and the rows of their jobs. Returns which try of the turn this is, from 1. The model is asked anew in each, and may want other
 * commands, so nobody else would come upon what is left.
 */
export async function sweepTurn({ runId }: RunIds, turn: number): Promise<number> {
  const rows = await listJobs({ runId, steps: `${ofTurn(turn)}%` });
  const names = rows.flatMap(({ metadata: { sandbox } }) =>
    typeof sandbox === "string" ? sandbox : [],
  );
  for (const name of new Set(names)) await sandboxProvider().stop(name);
  for (const { id, status, metadata } of rows) {
    if (status === "queued") await startJob({ id, metadata });
    if (status !== "queued" && status !== "running") continue;
    const ended = { status: "failed", exitCode: null, transcriptBlobRef: null } as const;
    await endJob({ ...ended, id, metadata: { ...metadata, tail: BROKE_OFF } });
  }
  const tries = rows.map(({ stepId }) => Number.parseInt(stepId.slice(ofTurn(turn).length), 10));
  return Math.max(0, ...tries) + 1;
}

const ofTurn = (turn: number) => `${turnStep(turn)}.`;

/** What the steps of one try's jobs begin with. */
export function tryOfTurn(turn: number, attempt: number): string {
  return `${ofTurn(turn)}${attempt}`;
}
