import { eventType } from "inngest";
import * as z from "zod";
import { actor, HARMLESS, harmless, id, identity, name } from "./fields.ts";

/** Makes a project, for systems that work by events alone. The same `projectId` again changes nothing. */
export const projectCreated = eventType("project.created", {
  schema: z.strictObject({
    projectId: id,
    name,
    slug: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "lower-case words joined by single dashes")
      .refine(harmless, HARMLESS),
    owner: identity,
  }),
});

/** Removes a project with its rows, vectors and bytes. */
export const projectDeleted = eventType("project.deleted", {
  schema: z.strictObject({ projectId: id, by: actor }),
});
