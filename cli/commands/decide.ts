import { createInterface } from "node:readline/promises";
import type { z } from "zod";
import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { clean, complain, say, sayJson, when } from "../output.ts";
import { signature } from "../sign.ts";
import { lookUntil } from "../wait.ts";

export type Verb = "grant" | "deny" | "revoke";

export interface DecideOptions {
  readonly yes?: boolean;
  readonly intent?: string;
  readonly note?: string;
  readonly key?: string;
  /** Seconds. */
  readonly wait: number;
}

type Approval = z.infer<typeof answers.approvalDetail>;

const DECISION = { grant: "granted", deny: "denied", revoke: "revoked" } as const;

/**
 * Shows a plan, asks, says the decision, and waits for what became of it. Throws Failure when it was refused, or not
 * heard in time.
 */
export async function decide(
  verb: Verb,
  id: string,
  options: DecideOptions,
  context: Context,
): Promise<void> {
  const { json } = context;
  const api = context.api();
  const path = `/api/approvals/${encodeURIComponent(id)}`;
  const approval = await api.get(path, answers.approvalDetail);
  const { intentHash } = approval;
  if (!json) show(approval);
  if (options.intent !== undefined && options.intent !== intentHash) {
    throw new Failure(EXIT.negative, `This is another plan: its intent hash is ${intentHash}.`);
  }
  await agreed(verb, options, json);
  const signed = options.key && {
    signature: await signature(
      { approvalId: approval.id, intentHash, decision: DECISION[verb] },
      { by: await api.caller(), keyFile: options.key, expiresAt: approval.expiresAt },
    ),
  };
  const note = options.note === undefined ? {} : { note: options.note };
  const body = { intentHash, ...note, ...signed };
  const { eventId } = await api.post(`${path}/${verb}`, body, answers.sent);
  const heard = await lookUntil(options.wait, async () => {
    const now = await api.get(path, answers.approvalDetail);
    const accepted = now.decisions.some((decision) => decision.eventId === eventId);
    const refused = now.refusals.find((refusal) => refusal.eventId === eventId);
    return accepted || refused ? { now, refused } : null;
  });
  if (!heard) {
    if (json) sayJson({ outcome: "undecided", approvalId: approval.id, eventId });
    const waited = `It was sent, and no word of it is on record after ${options.wait} s.`;
    throw new Failure(EXIT.undecided, `${waited} Look again with: countersign approvals`);
  }
  const { now, refused } = heard;
  const facts = { approvalId: approval.id, status: now.status, eventId };
  if (refused) {
    const { reason, detail } = refused;
    if (json) sayJson({ outcome: "refused", reason, detail, ...facts });
    throw new Failure(EXIT.negative, `Refused: ${detail} (${reason})`);
  }
  if (json) sayJson({ outcome: "accepted", ...facts });
  else say(`Accepted: ${outcome(now)}`);
}

function outcome({ status, decisions, quorum, runId }: Approval): string {
  if (status === "pending") {
    const granted = decisions.filter(({ decision }) => decision === "granted").length;
    return `${granted} of ${quorum} approvals are there.`;
  }
  return `it is ${status}. Follow the run with: countersign run ${runId} --watch`;
}

function show(approval: Approval): void {
  const { id, status, scope, requestedBy, runId, quorum, approvers, assurance } = approval;
  say(`Approval ${id}: ${status}, expires ${when(approval.expiresAt)}`);
  say(`Asked for by ${requestedBy} in the run ${runId}, for the scope ${scope}`);
  say(`Needs ${quorum} of ${approvers.join(", ")}; vouched for by ${assurance} or better`);
  say(`\n${approval.plan ?? approval.intentSummary}`);
}

/** Throws Failure unless a person, or a script that names exactly this plan, wants it. */
async function agreed(verb: Verb, { yes, intent }: DecideOptions, json: boolean): Promise<void> {
  if (yes) {
    if (verb !== "grant" || intent !== undefined) return;
    throw new Failure(EXIT.usage, "--yes approves nothing unseen: add --intent <hash>.");
  }
  if (json || !process.stdin.isTTY) {
    throw new Failure(EXIT.usage, "There is nobody to ask: say --yes, and --intent to approve.");
  }
  if (await saysYes(`Type "yes" to ${verb === "grant" ? "approve" : verb} it: `)) return;
  complain("Nothing was sent.");
  throw new Failure(EXIT.negative, "");
}

/** Whether a person answers with yes. Who leaves without an answer (Ctrl-C, Ctrl-D) has not. */
async function saysYes(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const left = new AbortController();
  terminal.once("close", () => left.abort());
  try {
    const answer = await terminal.question(clean(question), { signal: left.signal });
    return answer.trim().toLowerCase() === "yes";
  } catch (error) {
    if (!left.signal.aborted) throw error;
    return false;
  } finally {
    terminal.close();
  }
}
