import type * as z from "zod";
import { appendAudit } from "../data/audit.server.ts";
import { type InfraResource, putInfraResource } from "../data/infra.server.ts";
import { lockRun } from "../data/runs.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { InvalidInput } from "../errors.ts";
import type { infraProvisioned } from "../events/catalogue/delivery.ts";
import { repositoryInput } from "../implementation/input.ts";
import { requireLive } from "../runs/states.ts";
import { TYPES } from "./types.ts";

/**
 * Notes a resource that a person has made for a run that asked for it; `resourceId` is the name that the run's input gives it.
 * The same again changes nothing. Throws InvalidInput (`infra_not_asked`) when the run did not ask for such a resource; NotFound and Conflict
 * for a run that is not there, or over.
 */
export async function recordProvisioned(
  said: z.infer<typeof infraProvisioned.schema>,
): Promise<InfraResource> {
  const { projectId, runId, resourceId, provider, resourceType, externalId } = said;
  return await transaction(async (tx) => {
    const row = await lockRun({ id: runId }, tx);
    const run = requireLive(row?.projectId === projectId ? row : null, runId);
    const asked = repositoryInput
      .safeParse(run.input)
      .data?.deploy?.resources.find(({ name, mode }) => name === resourceId && mode === "manual");
    if (
      !asked ||
      TYPES[asked.type].provider !== provider ||
      TYPES[asked.type].resourceType !== resourceType
    ) {
      const what = `The run ${runId} did not ask for a ${provider} ${resourceType} "${resourceId}" made by hand.`;
      throw new InvalidInput("infra_not_asked", what);
    }
    const region = asked.region ?? TYPES[asked.type].region;
    const metadata = { name: resourceId, mode: "manual" };
    const resource = { projectId, runId, provider, resourceType, externalId, region, metadata };
    const put = await putInfraResource(resource, tx);
    await appendAudit(
      {
        projectId,
        actor: "event",
        action: "infra.recorded",
        subject: put.id,
        key: `infra.recorded:${put.id}:${runId}`,
        payload: { runId, name: resourceId, provider, resourceType, externalId: put.externalId },
      },
      tx,
    );
    return put;
  });
}
