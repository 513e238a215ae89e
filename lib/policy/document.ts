import * as z from "zod";
import { HARMLESS, harmless, identity } from "../events/catalogue/fields.ts";

/** What vouches for who decided, weakest first: the event key, our authenticated edge, the approver's own key. */
export const ASSURANCE = ["event", "api", "signature"] as const;
export type Assurance = (typeof ASSURANCE)[number];

/** Names of scopes as effects have them: `repo.merge`, `deploy.production`. */
const scope = z
  .string()
  .max(100)
  .regex(/^[a-z][a-z_]*([.][a-z][a-z_]*)+$/, "such as deploy.production")
  .refine(harmless, HARMLESS);

const rule = z.strictObject({
  /** Granted by the policy itself, without a person. */
  automatic: z.boolean().default(false),
  /** How many different people must grant. */
  approvals: z.int().min(1).max(10).default(1),
  /** Who may decide; absent: the project's owner. */
  approvers: z.array(identity).min(1).max(100).optional(),
  /**
   * Whether who asked for the run may grant it: `unless_alone` refuses the requester's grant as the only one needed
   * when there is another approver.
   */
  requester: z.enum(["never", "unless_alone", "always"]).default("unless_alone"),
  /** From the request, for the decision and for the use of it. At most a week. */
  expiresInMinutes: z
    .int()
    .min(1)
    .max(7 * 24 * 60)
    .default(24 * 60),
  /** The least that is accepted. */
  assurance: z.enum(ASSURANCE).default("event"),
});

/**
 * Who decides what in a project. Each version is kept; an approval names the one that judged it. No text in it looks like a secret
 * by itself: the audit chain has it as it is.
 */
export const policyDocument = z.strictObject({
  /** For every scope that is not listed. */
  default: rule.prefault({}),
  scopes: z.record(scope, rule).default({}),
});

export type Rule = z.infer<typeof rule>;
export type PolicyDocument = z.infer<typeof policyDocument>;

/**
 * `local`: one approval by event for every scope, for 24 hours. `strict`: whoever holds the event key can say anybody's
 * name, so decisions come through the authenticated edge, never from the requester, and with the approver's own
 * signature where production is touched.
 */
export const PRESETS: Readonly<Record<"local" | "strict", PolicyDocument>> = {
  local: policyDocument.parse({}),
  strict: policyDocument.parse({
    default: { assurance: "api", requester: "never" },
    scopes: {
      "deploy.production": { assurance: "signature", requester: "never", expiresInMinutes: 240 },
      "infra.delete": { assurance: "signature", requester: "never", expiresInMinutes: 240 },
    },
  }),
};

/** The policy of a project that has published none: the same wherever it runs, so that a bundle can be held against it. */
export const BUILT_IN = { version: 0, document: PRESETS.local } as const;

/** The rule for a scope. */
export function ruleFor(document: PolicyDocument, name: string): Rule {
  return document.scopes[name] ?? document.default;
}
