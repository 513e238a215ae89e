import * as z from "zod";
import { type PolicyDocument, PRESETS, policyDocument, type Rule } from "#lib/policy/document.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { readInput } from "../input.ts";
import { say, sayJson, table } from "../output.ts";
import { projectOf } from "../settings.ts";

/** Here and not in answers.ts: the other commands do not need to load what a policy is. */
const published = z.looseObject({ version: z.number(), document: policyDocument });

/** Shows who decides what in a project. */
export async function showPolicy(context: Context): Promise<void> {
  tell(await context.api().get(pathOf(context), published), context);
}

/**
 * Publishes the next version of a project's policy: a preset by its name, or a document of a file (`-`: of stdin). Throws
 * Failure that names what is wrong with it before anything is sent.
 */
export async function setPolicy(source: string, context: Context): Promise<void> {
  const document = await documentOf(source);
  tell(await context.api().put(pathOf(context), document, published), context);
}

function pathOf({ settings }: Context): string {
  return `/api/projects/${encodeURIComponent(projectOf(settings))}/policy`;
}

function isPreset(name: string): name is keyof typeof PRESETS {
  return Object.hasOwn(PRESETS, name);
}

async function documentOf(source: string): Promise<PolicyDocument> {
  if (isPreset(source)) return PRESETS[source];
  const neither = `, and is neither ${Object.keys(PRESETS).join(" nor ")}`;
  const said = await readInput(source, neither);
  let parsed: unknown;
  try {
    parsed = JSON.parse(said);
  } catch (error) {
    throw new Failure(EXIT.usage, `${source} is not JSON: ${(error as Error).message}`);
  }
  const { data, error } = policyDocument.safeParse(parsed);
  if (error) throw new Failure(EXIT.usage, `This is no policy.\n${z.prettifyError(error)}`);
  return data;
}

function tell(policy: z.infer<typeof published>, { json }: Context): void {
  if (json) {
    sayJson(policy);
    return;
  }
  const { version, document } = policy;
  const scopes = Object.entries(document.scopes).sort(([a], [b]) => a.localeCompare(b));
  const rows = [...scopes.map(([scope, rule]) => row(scope, rule)), row("any", document.default)];
  say(version === 0 ? "The built-in policy; none has been published." : `Version ${version}.`);
  say(`\n${table(["SCOPE", "ASKS FOR", "OF", "REQUESTER", "BY", "WITHIN"], rows)}`);
}

function row(scope: string, rule: Rule): string[] {
  if (rule.automatic) return [scope, "nobody", "", "", "", ""];
  const { approvals, approvers, requester, assurance, expiresInMinutes } = rule;
  const names = approvers?.join(", ") ?? "the owner";
  return [scope, String(approvals), names, requester, assurance, `${expiresInMinutes} min`];
}
