import { within } from "../deadline.ts";
import { type Env, env } from "../env.ts";
import { errorMessage, InvalidInput } from "../errors.ts";
import { redactText } from "../redact.ts";
import { type Check, CheckFailed, type Finding } from "./check.ts";
import { database } from "./checks/database.ts";
import { github, githubWebhooks } from "./checks/github.ts";
import { app, inngest } from "./checks/inngest.ts";
import { git, node } from "./checks/machine.ts";
import { ledger, neon, upstash, vercel } from "./checks/providers.ts";
import { blobs, vectors } from "./checks/stores.ts";
import { approvalSecret, auditKey, login } from "./checks/trust.ts";
import { model, sandbox } from "./checks/work.ts";

const CHECKS: readonly Check[] = [
  ...[node, git, database, inngest, app, vectors, blobs, login],
  ...[approvalSecret, auditKey, github, githubWebhooks, sandbox, model],
  ...[vercel, neon, upstash, ledger],
];
const MAX_TEXT = 500;

export type Examined = { readonly name: string } & Finding;

export interface Report {
  /** Whether nothing failed; what is optional may be missing. */
  readonly ok: boolean;
  readonly checks: readonly Examined[];
}

/**
 * Runs every check at once, each for at most `limitMs` milliseconds. When the environment is malformed that is all that is
 * reported, every variable of it: what the others would find is not known before.
 */
export async function examine(limitMs: number): Promise<Report> {
  let vars: Env;
  try {
    vars = env();
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    const remedy =
      "Correct these first; nothing else was checked. docs/environment.md has their forms.";
    const malformed = failed("environment", error.message, remedy);
    return { ok: false, checks: [malformed] };
  }
  const environment: Examined = {
    name: "environment",
    state: "ok",
    detail: "nothing is malformed",
  };
  const found = CHECKS.map((check) => one(check, vars, limitMs));
  const checks = [environment, ...(await Promise.all(found))];
  return { ok: checks.every(({ state }) => state !== "failed"), checks };
}

async function one(check: Check, vars: Env, limitMs: number): Promise<Examined> {
  try {
    const finding = await within(limitMs, (signal) => check.run(vars, signal));
    return { name: check.name, ...finding, detail: said(finding.detail) };
  } catch (error) {
    if (error instanceof CheckFailed) {
      return failed(check.name, error.message, error.remedy ?? check.remedy);
    }
    return failed(check.name, errorMessage(rootCause(error)), check.remedy);
  }
}

function failed(name: string, reason: string, remedy: string): Examined {
  return { name, state: "failed", detail: said(reason), remedy };
}

/** What a library wraps: the query that failed says less than why it did. */
function rootCause(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message !== "" ? rootCause(cause) : error;
}

/** On one line. Redacted before it is cut: half a secret is not known for one. */
function said(text: string): string {
  return redactText(text).replace(/\s+/g, " ").trim().slice(0, MAX_TEXT);
}
