import { RESOURCE_TYPES } from "../provision/types.ts";
import type { EffectDefinition, Json } from "./definition.ts";
import { ledgerEntry, ledgerNote } from "./definitions/ledger.ts";
import { repoCleanup } from "./definitions/repo-cleanup.ts";
import { repoMerge } from "./definitions/repo-merge.ts";
import { repoPull } from "./definitions/repo-pull.ts";
import { repoPush } from "./definitions/repo-push.ts";
import { resourceEffect } from "./definitions/resource.ts";
import { removalEffect } from "./definitions/resource-removal.ts";
import { vercelDeployment } from "./definitions/vercel-deployment.ts";
import { vercelEnvironment } from "./definitions/vercel-environment.ts";
import { vercelProject } from "./definitions/vercel-project.ts";
import { vercelPromotion, vercelRollback } from "./definitions/vercel-promotion.ts";

const DEFINITIONS: ReadonlyMap<string, EffectDefinition> = new Map(
  [
    ...[erased(ledgerEntry), erased(ledgerNote)],
    ...[erased(repoPush), erased(repoPull), erased(repoMerge), erased(repoCleanup)],
    ...[erased(vercelProject), ...RESOURCE_TYPES.map((type) => erased(resourceEffect(type)))],
    ...[erased(vercelEnvironment), erased(vercelDeployment)],
    ...[erased(vercelPromotion), erased(vercelRollback)],
    ...RESOURCE_TYPES.map((type) => erased(removalEffect(type))),
  ].map((definition) => [definition.kind, definition]),
);

/** Every kind of effect that there is; the crash matrix has cells for each. */
export const EFFECT_KINDS: readonly string[] = [...DEFINITIONS.keys()];

/** The definition of a kind. Throws Error for a kind that a row names and this version no longer has. */
export function definitionOf(kind: string): EffectDefinition {
  const definition = DEFINITIONS.get(kind);
  if (!definition) throw new Error(`there is no effect of the kind ${kind}`);
  return definition;
}

/** A definition that checks its params before it uses them, so that those of a row need no type. */
function erased<P extends Json>(definition: EffectDefinition<P>): EffectDefinition {
  const checked = (params: Json) => definition.params.parse(params);
  return {
    ...definition,
    intent: (params) => definition.intent(checked(params)),
    summary: (params) => definition.summary(checked(params)),
    find: (call) => definition.find({ ...call, params: checked(call.params) }),
    perform: (call) => definition.perform({ ...call, params: checked(call.params) }),
    record: async (effect, tx) =>
      await definition.record?.({ ...effect, params: checked(effect.params) }, tx),
  };
}
