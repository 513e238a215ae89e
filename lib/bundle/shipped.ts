import type { BundledEffect, BundledRun } from "./format.ts";

/** A commit that is out: production was left with it, or else it is merged. */
export interface ShippedCommit {
  /** `owner/name` on GitHub. */
  readonly repository: string;
  readonly sha: string;
  readonly by: "deployed" | "merged";
  readonly effectId: string;
}

/** Sent, and no more is known. */
const IN_DOUBT: ReadonlySet<string> = new Set(["sent", "unknown"]);

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/**
 * What a run's confirmed effects have put out: the commit of the build that they left production with, else the one that was
 * merged last. A build alone is not out: it may have failed, and production does not serve it before its promotion.
 * @param effects in the order of their first plans, in which a promotion stands before what goes back from it
 */
export function shippedCommit(effects: readonly BundledEffect[]): ShippedCommit | null {
  const served = servedAtLast(effects);
  const found = effects.flatMap((effect): ShippedCommit[] => {
    const { id: effectId, kind, status, intent, externalId } = effect;
    if (status !== "confirmed" || intent === null) return [];
    const { repository, commit } = intent;
    const [sha, by] =
      kind === "vercel.deployment" && externalId !== null && externalId === served
        ? [commit, "deployed" as const]
        : kind === "repo.merge"
          ? [externalId, "merged" as const]
          : [null, "merged" as const];
    if (typeof sha !== "string" || !COMMIT.test(sha) || typeof repository !== "string") return [];
    return [{ repository, sha, by, effectId }];
  });
  return found.findLast(({ by }) => by === "deployed") ?? found.at(-1) ?? null;
}

/** The deployment that production was left with; null where no promotion is confirmed, or nobody knows what came of the last switch. */
function servedAtLast(effects: readonly BundledEffect[]): unknown {
  let served: unknown = null;
  for (const { kind, status, intent } of effects) {
    if (kind !== "vercel.promotion" && kind !== "vercel.rollback") continue;
    const to = kind === "vercel.promotion" ? intent?.deployment : intent?.to;
    if (status === "confirmed") served = to ?? null;
    else if (IN_DOUBT.has(status)) served = null;
  }
  return served;
}

/** Why a run has changed nothing outside; null when it has. */
export function nothingShipped(
  { mode, status, error }: Pick<BundledRun, "mode" | "status" | "error">,
  effects: readonly Pick<BundledEffect, "id" | "status">[],
): string | null {
  if (effects.some((effect) => effect.status === "confirmed")) return null;
  if (mode === "plan") return "It was asked for in mode plan, which stops before the first change.";
  const maybe = effects.flatMap(({ id, status: at }) => (IN_DOUBT.has(at) ? id : []));
  const uncertain = maybe.length > 0 ? ` What became of ${maybe.join(", ")} is not known.` : "";
  if (status === "canceled") return `It was canceled before anything was confirmed.${uncertain}`;
  if (status === "failed") return `It failed: ${error ?? "no reason was said"}.${uncertain}`;
  return `Nothing was left to be done.${uncertain}`;
}
