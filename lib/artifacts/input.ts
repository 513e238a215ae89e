import * as z from "zod";
import { note } from "../events/catalogue/fields.ts";
import { budgetInput } from "../model/budget-input.ts";
import { DEFAULT_KINDS, KIND, MAIN } from "./kinds.ts";

const kind = z
  .string()
  .regex(
    KIND,
    `one of ${DEFAULT_KINDS.join(", ")}, or ADR_… or SPEC_… with capitals, digits and _`,
  );

const instruction = note.min(1);

/**
 * What a research run is to write. Either `artifacts`, the kinds wanted (the four default ones when it is left out), or
 * `refine`: one artifact that is there, and what is to become different in its next version.
 */
export const researchInput = z
  .strictObject({
    /** What it is about, in the words of whoever asks. */
    brief: note.default(""),
    artifacts: z
      .array(kind)
      .min(1)
      .max(20)
      .refine((kinds) => new Set(kinds).size === kinds.length, { error: "kinds must differ" })
      .optional(),
    refine: z.strictObject({ kind, instruction }).optional(),
    /** What it may spend on models, over all of its attempts; docs/model.md says what is left out. */
    budget: budgetInput.optional(),
  })
  .refine(({ artifacts, refine }) => !(artifacts && refine), {
    error: "name either artifacts or refine",
  });

export type ResearchInput = z.infer<typeof researchInput>;

/** One artifact that a run is to write. */
export interface Wanted {
  readonly kind: string;
  readonly logicalKey: string;
}

export function wantedOf({ artifacts, refine }: ResearchInput): Wanted[] {
  const kinds = refine ? [refine.kind] : (artifacts ?? [...DEFAULT_KINDS]);
  return kinds.map((kind) => ({ kind, logicalKey: MAIN }));
}
