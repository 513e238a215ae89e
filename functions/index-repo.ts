import { repoPushed } from "#lib/events/catalogue/repos.ts";
import { inngest } from "#lib/events/client.ts";
import { beginIndex } from "#lib/repos/indexing/begin.ts";
import { planIndex } from "#lib/repos/indexing/plan.ts";
import { pendingCode, publishIndex, retireGone } from "#lib/repos/indexing/publish.ts";
import { writeVectors } from "#lib/repos/indexing/write.ts";

/**
 * Has the code index follow the default branch: what is new is written beside what is searched, then the whole of it changes
 * at once, then what is gone is removed. Every step can be repeated; a newer commit takes over from whoever is under way.
 */
export const indexRepo = inngest.createFunction(
  {
    id: "index-repo",
    triggers: [repoPushed],
    retries: 10,
    // Each reads a whole repository. One at a time of each repository: pushes that waited find their commit indexed.
    concurrency: [{ limit: 2 }, { limit: 1, key: "event.data.repoId" }],
  },
  async ({ event, step }) => {
    const { projectId, repoId } = event.data;

    let begun = await step.run("begin", () => beginIndex(event.data));
    if (begun.outcome === "behind") {
      // GitHub's reads may be late. Once: a push that came late itself stays behind.
      await step.sleep("look-again", "5s");
      begun = await step.run("begin-again", () => beginIndex(event.data));
    }
    if (begun.outcome !== "begun") return begun;
    const job = { projectId, repoId, commitSha: begun.commitSha };

    // What an earlier run did not get to: it must be gone before a file can come back.
    await retire("leftovers");
    const plan = await step.run("plan", () => planIndex(job));
    if (plan.outcome !== "planned") return plan;
    for (let n = 0, more = plan.pending > 0; more; n++) {
      const written = await step.run(`write-${n}`, () => writeVectors(job));
      if (written.outcome !== "written") return written;
      more = written.more;
    }
    // Bounded: a store that is busy with others' writes must not hold this commit for ever.
    for (let look = 0; plan.pending > 0 && look < 10; look++) {
      if ((await step.run(`pending-${look}`, () => pendingCode(job))) === 0) break;
      await step.sleep(`settle-${look}`, "1s");
    }
    const published = await step.run("publish", () => publishIndex(job, plan.skipped));
    if (published.outcome === "indexed") await retire("retire");
    return { ...published, added: plan.added, gone: plan.gone };

    async function retire(name: string): Promise<void> {
      for (let n = 0, more = true; more; n++) {
        ({ more } = await step.run(`${name}-${n}`, () => retireGone({ projectId, repoId })));
      }
    }
  },
);
