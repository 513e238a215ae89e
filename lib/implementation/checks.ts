import { InvalidInput, Later } from "../errors.ts";
import { requiredChecks } from "../github/branches.ts";
import { type Check, checksOf } from "../github/checks.ts";
import { type PullFacts, readPull } from "../github/pulls.ts";
import { setRunStatus } from "../runs/life.ts";
import { openedBy } from "./merge.ts";
import { basisOf, inputOf, nameOf } from "./work.ts";

const TIMEOUT_MS = 10_000;
const UNSEEN_MS = 2000;

/** What a look at a pull request's checks has shown. */
export interface ChecksSeen {
  /** `good`: all that has to be is, and nothing is bad or under way. */
  readonly state: "good" | "pending";
  readonly headSha: string;
  /** In how many seconds it is good if no check appears; null when that does not count. */
  readonly graceSeconds: number | null;
  /** Of the effect that opened the pull request. */
  readonly effectId: string;
}

/**
 * Looks at the checks of the pull request's head, and says of the run whether it waits. Throws InvalidInput when one is bad
 * (`checks_failed`, with their names), when time is over (`checks_late`) and when the pull request was closed.
 * @param since when this wait began, in ms since the epoch: the deadline runs from there, and so does the time in which the first
 * check of a new head may appear.
 */
export async function lookAtChecks(input: {
  runId: string;
  inngestRunId: string;
  since: number;
}): Promise<ChecksSeen> {
  const { runId, inngestRunId, since } = input;
  const [basis, { checks: wanted }, opened] = await Promise.all([
    basisOf(runId),
    inputOf(runId),
    openedBy(runId),
  ]);
  const name = nameOf(basis);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const pull = await readPull(name, opened.number, signal);
  // We have opened it: a read that does not show it came late.
  if (!pull)
    throw new Later(
      "pull_not_seen",
      `The pull request ${opened.number} is not seen yet.`,
      UNSEEN_MS,
    );
  if (!pull.open && !pull.merged) throw closed(opened.number);
  const { headSha } = pull;
  const ours = { runId, inngestRunId };
  const seen = { headSha, graceSeconds: null, effectId: opened.effectId };
  if (pull.merged) {
    await setRunStatus(ours, "running");
    return { ...seen, state: "good" };
  }
  const [demanded, checks] = await Promise.all([
    requiredChecks(name, basis.baseBranch, signal),
    checksOf(name, headSha, signal),
  ]);
  const judged = judgeChecks(checks, [...demanded, ...wanted.required]);
  if (judged.bad.length > 0) throw failed(pull, judged.bad);
  const graceLeft = wanted.graceSeconds - (Date.now() - since) / 1000;
  const fresh = judged.none && graceLeft > 0;
  if (judged.open.length === 0 && !fresh) {
    await setRunStatus(ours, "running");
    return { ...seen, state: "good" };
  }
  if (Date.now() - since > wanted.deadlineMinutes * 60_000) throw late(pull, judged.open);
  await setRunStatus(ours, "waiting_external", { waitingFor: pull.url });
  return { ...seen, state: "pending", graceSeconds: fresh ? Math.ceil(graceLeft) : null };
}

/** Which checks are bad, which have to be waited for, and whether there is nothing at all to go by. */
export function judgeChecks(
  seen: readonly Check[],
  required: readonly string[],
): { bad: Check[]; open: string[]; none: boolean } {
  const bad = seen.filter(({ state }) => state === "bad");
  const pending = seen.filter(({ state }) => state === "pending").map(({ name }) => name);
  const missing = required.filter((name) => !seen.some((check) => check.name === name));
  const open = [...new Set([...pending, ...missing])];
  return { bad, open, none: seen.length === 0 && required.length === 0 };
}

function failed({ url, headSha }: PullFacts, bad: readonly Check[]): InvalidInput {
  const names = bad.map(({ name, said }) => `${name} (${said})`).join(", ");
  const what = `Checks of ${url} at ${headSha.slice(0, 12)} failed: ${names}.`;
  return new InvalidInput("checks_failed", what);
}

function late({ url }: PullFacts, open: readonly string[]): InvalidInput {
  const what = `Checks of ${url} have not ended in time: ${open.join(", ")}.`;
  return new InvalidInput("checks_late", what);
}

function closed(number: number): InvalidInput {
  return new InvalidInput("pull_closed", `The pull request ${number} was closed unmerged.`);
}
