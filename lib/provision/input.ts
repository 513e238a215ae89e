import * as z from "zod";
import { name } from "../events/catalogue/fields.ts";
import { PARTS, RESOURCE_TYPES, type ResourceType, variablesOf } from "./types.ts";

/** The name of a variable of the target app, as every shell takes it. */
export const variableName = z
  .string()
  .max(100)
  .regex(/^[A-Z][A-Z0-9_]*$/, "upper-case letters, digits and underscores");

/** A name within a project and a region: parts of names that other systems take. */
export const resourceName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,29}$/, "up to 30 lower-case letters, digits and dashes");
export const region = z.string().regex(/^[a-z0-9-]{2,40}$/, "the name of a region");

const resource = z
  .strictObject({
    /** What the project calls it: the same name in a later run means the same resource. */
    name: resourceName,
    type: z.enum(RESOURCE_TYPES),
    /** automated: made by us; assisted: there already, `externalId` says which; manual: made by a person, who says so. */
    mode: z.enum(["automated", "assisted", "manual"]).default("automated"),
    region: region.optional(),
    externalId: name.optional(),
    /**
     * Which variable of the app gets which part of it; absent: the names that its client looks for. Not under `token`: what
     * stands under that name is taken for a token wherever an input is kept.
     */
    env: z
      .strictObject({ urlName: variableName.optional(), tokenName: variableName.optional() })
      .optional(),
  })
  .refine(({ mode, externalId }) => (mode === "assisted") === (externalId !== undefined), {
    error: "externalId belongs to the mode assisted, which needs it",
    path: ["externalId"],
  })
  .refine(
    ({ type, env }) => PARTS.every((part) => !env?.[`${part}Name`] || part in variablesOf(type)),
    {
      error: "not a part of this type",
      path: ["env"],
    },
  );
export type ResourceInput = z.infer<typeof resource>;

/** One variable of the target app that is filled from a resource. */
export interface Wanted {
  readonly variable: string;
  readonly part: (typeof PARTS)[number];
}

/** The variables that a resource fills. */
export function wantedOf({
  type,
  env,
}: {
  type: ResourceType;
  env?: ResourceInput["env"];
}): Wanted[] {
  return PARTS.flatMap((part) => {
    const variable = env?.[`${part}Name`] ?? variablesOf(type)[part];
    return variable === undefined ? [] : { variable, part };
  });
}

const health = z.strictObject({
  path: z
    .string()
    .max(500)
    .regex(/^\/(?![/\\])[\x21-\x7e]*$/, "a path that begins with one slash")
    .default("/"),
  status: z.int().min(200).max(499).default(200),
  /** Text that the first 64 KB of the answer have to contain. */
  contains: z.string().min(1).max(200).optional(),
  /** How long it may take to answer so, after it is built or promoted. */
  deadlineSeconds: z.int().min(5).max(3600).default(60),
});
export type Health = z.infer<typeof health>;

/** Where a merged change is deployed, and what it needs there. */
export const deployInput = z
  .strictObject({
    /** The project at Vercel; made, and linked to the repository, when it is not there. */
    project: z
      .string()
      .regex(
        /^(?!.*---)[a-z0-9][a-z0-9._-]{0,99}$/,
        "the name of a Vercel project: lower-case letters, digits, dots, dashes",
      ),
    resources: z.array(resource).max(20).default([]),
    /** Variables that people set at Vercel by themselves: the deployment waits until they are there. */
    variables: z.array(variableName).max(100).default([]),
    health: health.default({ path: "/", status: 200, deadlineSeconds: 60 }),
    buildMinutes: z.int().min(1).max(180).default(45),
    /**
     * What happens when production does not answer as it should: `preapproved` goes back under the approval of the promotion,
     * which says so; `ask` waits for an approval of its own.
     */
    rollback: z.enum(["preapproved", "ask"]).default("preapproved"),
  })
  .refine(({ resources }) => differ(resources.map((one) => one.name)), {
    error: "names of resources must differ",
  })
  .refine(
    ({ resources, variables }) =>
      differ([...variables, ...resources.flatMap(wantedOf).map(({ variable }) => variable)]),
    { error: "each variable has one source" },
  );
export type DeployInput = z.infer<typeof deployInput>;

function differ(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
