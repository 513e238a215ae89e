import { getLatestArtifact } from "../data/artifacts.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { NotFound } from "../errors.ts";
import { researchInput } from "./input.ts";
import { MAIN } from "./kinds.ts";

/**
 * Throws NotFound (`artifact_not_found`) when an input asks for the next version of an artifact of which there is none: it would
 * be written anew, and nobody would see that nothing was refined. Any other input is left to the checks of its kind.
 */
export async function checkRefined(
  { projectId, input }: { projectId: string; input: unknown },
  tx?: Tx,
): Promise<void> {
  const refine = researchInput.safeParse(input).data?.refine;
  if (!refine) return;
  const { kind } = refine;
  if (await getLatestArtifact({ projectId, kind, logicalKey: MAIN }, tx)) return;
  const what = `The project has no ${kind} to refine: ask for it in input.artifacts first.`;
  throw new NotFound("artifact_not_found", what, { projectId, kind });
}
