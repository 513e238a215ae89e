import * as z from "zod";
import { definitionOf, EFFECT_KINDS } from "../effects/registry.ts";
import type { IntentOf } from "./check-effects.ts";

/** Makes intents as this version of the product does when it plans and when it claims. */
export const productIntents: IntentOf = (kind, params) => {
  if (!EFFECT_KINDS.includes(kind)) return "unknown_kind";
  try {
    return definitionOf(kind).intent(params);
  } catch (error) {
    if (error instanceof z.ZodError) return "refused";
    throw error;
  }
};
