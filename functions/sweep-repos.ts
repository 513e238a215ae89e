import { cron } from "inngest";
import { claimRepos } from "#lib/data/code-index.server.ts";
import { repoPushed } from "#lib/events/catalogue/repos.ts";
import { inngest } from "#lib/events/client.ts";
import { eventOfEach, event as happened } from "#lib/events/emit.ts";
import { CODE_INDEX_VERSION } from "#lib/repos/version.ts";

/** Longer than a step of an index that is alive takes, all its retries included. */
const LEFT_BEHIND_MS = 60 * 60_000;

/** How long the index may stay at an old commit whose newer one we were not told of: GitHub delivers once. */
const UNSEEN_MS = 6 * 60 * 60_000;

/**
 * Wakes the index of repositories again whose run failed, or that an older version of ours has cut; and of those that nobody
 * has looked at for long, which ends at once where the branch is still at what is indexed.
 */
export const sweepRepos = inngest.createFunction(
  { id: "sweep-repos", triggers: [cron("*/15 * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => {
    const version = CODE_INDEX_VERSION;
    const repos = await step.run("claim", () =>
      claimRepos({ leftBehindMs: LEFT_BEHIND_MS, unseenMs: UNSEEN_MS, version, limit: 100 }),
    );
    const wakes = eventOfEach(repos, ({ branch, claimedAt, ...repo }) =>
      happened(repoPushed, { ...repo, ref: `refs/heads/${branch}` }, `sweep ${claimedAt}`),
    );
    if (wakes.length > 0) await step.sendEvent("wake", wakes);
    return { woken: wakes.length };
  },
);
