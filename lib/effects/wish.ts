import { InvalidInput } from "../errors.ts";
import { redactJson } from "../redact.ts";
import type { Json } from "./definition.ts";
import { intentHash, intentOf } from "./intent.ts";
import { definitionOf } from "./registry.ts";

/** The most effects that one plan may have: a person has to read them. */
export const MAX_PLAN = 100;

/** An effect as it is wished: which kind, with which params, for which step of the run. */
export interface Wish {
  readonly stepId: string;
  readonly kind: string;
  readonly params: Json;
  /** An artifact that whoever decides is to read with it, such as the diff that a git tree stands for. Not part of the intent. */
  readonly exhibit?: string;
}

/** A wish that was checked and hashed. */
export interface Intended extends Wish {
  readonly scope: string;
  readonly summary: string;
  readonly intent: Json;
  readonly intentHash: string;
  readonly position: number;
}

/** Checks wishes and hashes them, in their order. */
export function intend(wishes: readonly Wish[]): [Intended, ...Intended[]] {
  const intended = wishes.map((wish, position): Intended => {
    const definition = definitionOf(wish.kind);
    const params = redactJson(definition.params.parse(wish.params));
    const intent = intentOf(definition, params);
    const { kind, scope } = definition;
    const summary = definition.summary(params);
    const hash = intentHash({ kind, intent });
    return { ...wish, params, scope, summary, intent, intentHash: hash, position };
  });
  const [first, ...others] = intended;
  if (!first || intended.length > MAX_PLAN) {
    throw new InvalidInput("plan_size", `A plan has 1 to ${MAX_PLAN} effects.`);
  }
  if (others.some(({ scope }) => scope !== first.scope)) {
    throw new InvalidInput("plan_scopes", "The effects of one plan have one scope.");
  }
  return [first, ...others];
}

/** One line: the first change, and how many more. At most 500 characters. */
export function summaryOf(open: readonly { summary: string }[]): string {
  const more = open.length > 1 ? ` And ${open.length - 1} more.` : "";
  return `${(open[0]?.summary ?? "").slice(0, 450)}${more}`;
}
