import type * as z from "zod";
import { getLatestArtifact } from "../data/artifacts.server.ts";
import { infraOfRun } from "../data/infra.server.ts";
import { Conflict } from "../errors.ts";
import type { infraProvisioned } from "../events/catalogue/delivery.ts";
import type { RunArtifact, RunIds } from "../implementation/work.ts";

/** The resources that a run has made or taken up, as they are announced. */
export async function made({
  projectId,
  runId,
}: RunIds): Promise<z.infer<typeof infraProvisioned.schema>[]> {
  const rows = await infraOfRun({ runId });
  return rows.map(({ id: resourceId, provider, resourceType, externalId }) => {
    return { projectId, runId, resourceId, provider, resourceType, externalId };
  });
}

/** The environment contract of a run, as it is announced. Throws Conflict before there is one. */
export async function publishedContract({ projectId, runId }: RunIds): Promise<RunArtifact> {
  const kind = "ENVIRONMENT_CONTRACT";
  const found = await getLatestArtifact({ projectId, kind, logicalKey: runId });
  if (!found) throw new Conflict("no_contract", `The run ${runId} has no environment contract.`);
  const { id: artifactId, logicalKey, version } = found;
  return { projectId, runId, artifactId, kind, logicalKey, version };
}
