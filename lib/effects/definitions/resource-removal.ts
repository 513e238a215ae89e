import * as z from "zod";
import { noteRemoved } from "../../data/infra.server.ts";
import { resourceName } from "../../provision/input.ts";
import { providerOf } from "../../provision/providers.ts";
import { type ResourceType, TYPES } from "../../provision/types.ts";
import { type EffectDefinition, EffectRefused } from "../definition.ts";
import { providerError, timeoutMs } from "./provider.ts";

const params = z.strictObject({ resource: resourceName, externalId: z.string().min(1).max(500) });
type Params = z.infer<typeof params>;

/** The removal of a resource that a run of ours has made, with everything that is in it. */
export function removalEffect(type: ResourceType): EffectDefinition<Params> {
  const { provider, resourceType, title } = TYPES[type];
  return {
    kind: `${type}.removal`,
    scope: "infra.delete",
    params,
    // What is gone does not come back: once it was asked for, that it is gone says that it was done.
    reads: "consistent",
    findsAbsence: true,
    timeoutMs,
    intent: ({ resource, externalId }) => ({
      provider,
      resourceType,
      resource,
      remove: externalId,
    }),
    summary: ({ resource, externalId }) =>
      `REMOVE the ${title} "${resource}" (${externalId}) with all that is in it. It cannot be brought back.`,

    async find({ params: { externalId }, signal }) {
      const there = await (await providerOf(type)).read(externalId, signal);
      return there ? null : { id: externalId };
    },

    async perform({ params: { externalId }, signal }) {
      try {
        const provider = await providerOf(type);
        // To a key of another account, or whose rights are less, it looks as if it were gone: that is no removal of ours.
        if (!(await provider.read(externalId, signal))) {
          const what = `The ${title} ${externalId} is not there, or not for our key: nothing was removed.`;
          throw new EffectRefused("resource_not_seen", what);
        }
        await provider.remove(externalId, signal);
        return { id: externalId };
      } catch (error) {
        throw providerError(error);
      }
    },

    async record({ projectId, externalId, id: effectId }, tx) {
      await noteRemoved({ projectId, provider, resourceType, externalId, effectId }, tx);
    },
  };
}
