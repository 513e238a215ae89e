import * as z from "zod";
import { putInfraResource } from "../../data/infra.server.ts";
import { Unavailable } from "../../errors.ts";
import { region, resourceName } from "../../provision/input.ts";
import { providerOf } from "../../provision/providers.ts";
import { type ResourceType, TYPES } from "../../provision/types.ts";
import { type EffectDefinition, EffectRefused } from "../definition.ts";
import { providerError, timeoutMs } from "./provider.ts";

const params = z.strictObject({ resource: resourceName, region });
type Params = z.infer<typeof params>;

/** How long after it was made a list may still miss it. None of these systems promises anything. */
const SETTLE_MS = 30_000;

/** The making of a resource of a target app. Its name there ends in the effect's id: names may repeat, that one does not. */
export function resourceEffect(type: ResourceType): EffectDefinition<Params> {
  const { provider, resourceType, title } = TYPES[type];
  return {
    kind: type,
    scope: "infra.provision",
    params,
    reads: { settleMs: SETTLE_MS },
    timeoutMs,
    intent: ({ resource, region: where }) => ({ provider, resourceType, resource, region: where }),
    summary: ({ resource, region: where }) => `Create the ${title} "${resource}" in ${where}.`,

    async find({ marker, params: { resource }, signal }) {
      const found = await (await providerOf(type)).find(nameWith(resource, marker), signal);
      if (!found) return null;
      return { id: found.id, intent: { provider, resourceType, resource, region: found.region } };
    },

    async perform({ marker, params: { resource, region: where }, signal }) {
      const at = await providerOf(type);
      const name = nameWith(resource, marker);
      try {
        return { id: (await at.create({ name, region: where }, signal)).id };
      } catch (error) {
        const refused = providerError(error);
        // Where names are there once, the refusal of a repeat says that it was made: a look finds it.
        if (refused instanceof EffectRefused && (await at.find(name, signal))) {
          throw new Unavailable("resource_is_there", `${name} is there: look for it.`);
        }
        throw refused;
      }
    },

    async record(effect, tx) {
      const { projectId, runId, externalId, params: row, id: effectId, named } = effect;
      // What a person has named may have been there before: no removal may take it for one of ours.
      const mode = named ? "assisted" : "automated";
      const { resource, region: where } = params.parse(row);
      await putInfraResource(
        {
          ...{ projectId, runId, provider, resourceType, externalId, region: where },
          metadata: { name: resource, mode, effectId },
        },
        tx,
      );
    },
  };
}

/** At most 57 characters of `a-z0-9-`. */
function nameWith(resource: string, marker: string): string {
  return `${resource}-${marker.slice(marker.lastIndexOf("_") + 1)}`;
}
