import { variableRows } from "./variables.ts";

/** A plain variable that a project is made with, so that it is known again. It is for `development` alone: no build gets it. */
export const MARKER_VARIABLE = "COUNTERSIGN_EFFECT";

/** The marker of a project; null when it has none, or is gone. */
export async function markerOf(projectId: string, signal: AbortSignal): Promise<string | null> {
  const rows = await variableRows(projectId, signal);
  // Not one that is encrypted: its value would be of no use, and is not ours to read.
  const row = rows?.find(({ key, type }) => key === MARKER_VARIABLE && type === "plain");
  return row?.value ?? null;
}
