import { canonicalJson, sha256 } from "../canonical.ts";
import { redactJson } from "../redact.ts";
import type { EffectDefinition, Json } from "./definition.ts";

/** An intent with the kind that gives it its meaning. */
export interface Intent {
  readonly kind: string;
  readonly intent: Json;
}

/** SHA-256 over the canonical JSON (RFC 8785) of one intent. */
export function intentHash({ kind, intent }: Intent): string {
  return sha256(canonicalJson({ kind, intent }));
}

/** SHA-256 over the canonical JSON of a plan's intents in their order: what an approval is bound to. */
export function planHash(intents: readonly Intent[]): string {
  return sha256(canonicalJson(intents.map(({ kind, intent }) => ({ kind, intent }))));
}

/**
 * The intent of checked params. Throws TypeError when it holds a secret: it is hashed, shown and kept as it is, so a
 * definition that puts one into it is wrong.
 */
export function intentOf<P extends Json>(definition: EffectDefinition<P>, params: P): Json {
  const intent = definition.intent(params);
  if (canonicalJson(redactJson(intent)) !== canonicalJson(intent)) {
    throw new TypeError(
      `the intent of ${definition.kind} holds something that looks like a secret`,
    );
  }
  return intent;
}
