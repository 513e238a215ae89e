import { effectsOfRun } from "../data/effect-lists.server.ts";
import { deployWishes, promoteWishes, rollbackWishes } from "../deploy/plan.ts";
import { IN_FLIGHT } from "../effects/machine.ts";
import type { Wish } from "../effects/wish.ts";
import { Conflict } from "../errors.ts";
import { mergeWishes } from "../implementation/merge.ts";
import { pushWishes } from "../implementation/push.ts";
import { ledgerWishes } from "../ledger/wishes.ts";
import { infraWishes } from "../provision/plan.ts";
import { removalWishes } from "../provision/removal.ts";

/** The parts of runs that are planned and approved each by itself. */
export const PARTS = [
  "ledger",
  "push",
  "merge",
  "infra",
  "settle",
  "deploy",
  "promote",
  "rollback",
  "removal",
] as const;
export type Part = (typeof PARTS)[number];

/**
 * What a part of a run still has to bring about, against the world as it is now. What is confirmed is not wished again,
 * and what may exist outside already is wished as it was sent, since only a look can tell what became of it; also what the
 * world makes look as if nobody had to wish it any more.
 * @param headSha the head of the pull request whose checks have passed; of `merge` alone.
 */
export async function wishesOf(
  part: Part,
  { runId, headSha }: { runId: string; headSha?: string | undefined },
): Promise<Wish[]> {
  const wishes = await all(part, runId, headSha);
  const rows = new Map((await effectsOfRun({ runId })).map((row) => [row.stepId, row]));
  const wished = new Set(wishes.map(({ stepId }) => stepId));
  const open = [...rows.values()].filter(
    ({ stepId, status }) =>
      STEPS[part].test(stepId) && IN_FLIGHT.includes(status) && !wished.has(stepId),
  );
  const left = open.map(({ stepId, kind, params }): Wish => ({ stepId, kind, params }));
  const rest = wishes.flatMap((wish) => {
    const row = rows.get(wish.stepId);
    if (row?.status === "confirmed") return [];
    if (row && IN_FLIGHT.includes(row.status)) {
      return { stepId: wish.stepId, kind: row.kind, params: row.params };
    }
    return wish;
  });
  return [...left, ...rest];
}

/** Which steps of a run belong to a part. */
const STEPS: Readonly<Record<Part, RegExp>> = {
  ledger: /^create-/,
  push: /^(?:push|pull)$/,
  merge: /^(?:merge|cleanup)$/,
  infra: /^infra-/,
  settle: /^rollback-/,
  deploy: /^deploy-/,
  promote: /^promote-/,
  rollback: /^rollback-/,
  removal: /^remove-/,
};

async function all(part: Part, runId: string, headSha: string | undefined): Promise<Wish[]> {
  switch (part) {
    case "ledger":
      return await ledgerWishes(runId);
    case "push":
      return await pushWishes(runId);
    case "merge":
      if (headSha === undefined) throw new Conflict("no_head", "A merge is planned for a head.");
      return await mergeWishes(runId, headSha);
    case "infra":
      return await infraWishes(runId);
    case "settle":
      // Nothing new: only what an earlier start of the run had begun.
      return [];
    case "deploy":
      return await deployWishes(runId);
    case "promote":
      return await promoteWishes(runId);
    case "rollback":
      return await rollbackWishes(runId);
    case "removal":
      return await removalWishes(runId);
  }
}
