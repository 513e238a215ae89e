import * as z from "zod";
import { researchInput } from "../artifacts/input.ts";
import { InvalidInput } from "../errors.ts";
import { json } from "../events/catalogue/fields.ts";
import { repositoryInput } from "../implementation/input.ts";
import { removalInput } from "../provision/removal-input.ts";
import { redactJson } from "../redact.ts";

/** Objects to create in a book of the ledger service. */
export const ledgerInput = z.strictObject({
  target: z.literal("ledger"),
  book: z.string().regex(/^[a-z0-9-]{1,64}$/, "1 to 64 lower-case letters, digits and dashes"),
  entries: z
    .array(
      z.strictObject({
        kind: z.enum(["entry", "note"]).default("entry"),
        name: z.string().min(1).max(200),
        value: z.string().max(10_000),
      }),
    )
    .min(1)
    .max(100)
    .refine((entries) => new Set(entries.map(({ name }) => name)).size === entries.length, {
      error: "names must differ",
    }),
});

/** What an implementation run is to change, by its target. */
export const implementationInput = z.discriminatedUnion("target", [
  ledgerInput,
  repositoryInput,
  removalInput,
]);

/** What `run.started` says of an input's target; nothing for a research run. */
export function targetOf(input: Record<string, unknown>): { target?: string } {
  return typeof input.target === "string" ? { target: input.target } : {};
}

/**
 * The input of a run as it came, of which is known that it is what its kind takes, also as it is kept. Throws InvalidInput that
 * says what is wrong with it, and where.
 */
export function checkInput(
  kind: "research" | "implementation",
  input: unknown,
): z.infer<typeof json> {
  const schema = kind === "research" ? researchInput : implementationInput;
  // First: it is not nested deeper than what looks through all of it can go.
  parsed(schema, input, "The input is not right.");
  const storable = parsed(json, input, "The input is not right.");
  // It is kept redacted, and the run reads it from there.
  parsed(
    schema,
    redactJson(storable),
    "The input is not right once what looks like a secret is taken out.",
  );
  return storable;
}

function parsed<T extends z.ZodType>(schema: T, input: unknown, what: string): z.infer<T> {
  const { success, data, error } = schema.safeParse(input);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new InvalidInput("run_input", `${what} ${problems.join("; ")}`);
}
