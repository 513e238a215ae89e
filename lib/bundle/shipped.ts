import type { BundledEffect, BundledRun } from "./format.ts";

/** A commit that is out: deployed, or else merged. */
export interface ShippedCommit {
  /** `owner/name` on GitHub. */
  readonly repository: string;
  readonly sha: string;
  readonly by: "deployed" | "merged";
  readonly effectId: string;
}

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** What a run's confirmed effects have put out: the commit that was deployed last, else the one that was merged last. */
export function shippedCommit(effects: readonly BundledEffect[]): ShippedCommit | null {
  const found = effects.flatMap((effect): ShippedCommit[] => {
    const { id: effectId, kind, status, intent, externalId } = effect;
    if (status !== "confirmed" || intent === null) return [];
    const { repository, commit } = intent;
    const [sha, by] =
      kind === "vercel.deployment"
        ? [commit, "deployed" as const]
        : kind === "repo.merge"
          ? [externalId, "merged" as const]
          : [null, "merged" as const];
    if (typeof sha !== "string" || !COMMIT.test(sha) || typeof repository !== "string") return [];
    return [{ repository, sha, by, effectId }];
  });
  return found.findLast(({ by }) => by === "deployed") ?? found.at(-1) ?? null;
}

/** Why a run has changed nothing outside; null when it has. */
export function nothingShipped(
  { mode, status, error }: Pick<BundledRun, "mode" | "status" | "error">,
  effects: readonly Pick<BundledEffect, "id" | "status">[],
): string | null {
  if (effects.some((effect) => effect.status === "confirmed")) return null;
  if (mode === "plan") return "It was asked for in mode plan, which stops before the first change.";
  const maybe = effects.flatMap(({ id, status: at }) =>
    at === "sent" || at === "unknown" ? id : [],
  );
  const uncertain = maybe.length > 0 ? ` What became of ${maybe.join(", ")} is not known.` : "";
  if (status === "canceled") return `It was canceled before anything was confirmed.${uncertain}`;
  if (status === "failed") return `It failed: ${error ?? "no reason was said"}.${uncertain}`;
  return `Nothing was left to be done.${uncertain}`;
}
