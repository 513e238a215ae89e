import { effectsOfRun } from "../data/effect-lists.server.ts";
import { infraById } from "../data/infra.server.ts";
import { readRun } from "../data/runs.server.ts";
import type { Wish } from "../effects/wish.ts";
import { InvalidInput } from "../errors.ts";
import { removalInput } from "./removal-input.ts";
import { RESOURCE_TYPES, TYPES } from "./types.ts";

/** Throws InvalidInput (`resource_not_ours`) for what is not in the project, was not made by a run of ours, or is removed already. */
export async function removalWishes(runId: string): Promise<Wish[]> {
  const { projectId, input } = await readRun({ id: runId });
  const { resources } = removalInput.parse(input);
  const own = new Set((await effectsOfRun({ runId })).map(({ id }) => id));
  return await Promise.all(
    resources.map(async (rowId, at): Promise<Wish> => {
      const row = await infraById({ id: rowId, projectId });
      const type = RESOURCE_TYPES.find(
        (one) =>
          TYPES[one].provider === row?.provider && TYPES[one].resourceType === row.resourceType,
      );
      const { mode, removedBy } = row?.metadata ?? {};
      // A run that goes on plans what it has removed once more, and finds it done.
      const gone = removedBy !== undefined && !own.has(String(removedBy));
      if (!row || !type || mode !== "automated" || gone) {
        const what = `The project has no resource ${rowId} that a run has made${gone ? ", and none has removed" : ""}: nothing else is removed.`;
        throw new InvalidInput("resource_not_ours", what);
      }
      const { externalId } = row;
      const resource = String(row.metadata.name);
      return {
        stepId: `remove-${at + 1}`,
        kind: `${type}.removal`,
        params: { resource, externalId },
      };
    }),
  );
}
