import * as z from "zod";
import { id } from "../events/catalogue/fields.ts";

/** Resources to remove, by the ids of their rows: as the list of a project's resources shows them. */
export const removalInput = z.strictObject({
  target: z.literal("removal"),
  resources: z
    .array(id)
    .min(1)
    .max(20)
    .refine((ids) => new Set(ids).size === ids.length, { error: "each resource once" }),
});
