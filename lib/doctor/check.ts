import type { Env } from "../env.ts";
import { CountersignError } from "../errors.ts";

/** What a check found. Its texts name variables and never say their values. */
export type Finding =
  | { readonly state: "ok"; readonly detail: string }
  /** Optional, and not set up: `detail` says what one loses. */
  | { readonly state: "missing"; readonly detail: string; readonly remedy: string }
  | { readonly state: "failed"; readonly detail: string; readonly remedy: string };

/** One integration. */
export interface Check {
  readonly name: string;
  /** What to do when it fails for a reason that has no remedy of its own, such as one of the network. */
  readonly remedy: string;
  /** Throws {@link CheckFailed}, or whatever went wrong. The signal is aborted when its time is over. */
  run(env: Env, signal: AbortSignal): Promise<Finding>;
}

/** An integration that does not work, with what to do about it. */
export class CheckFailed extends CountersignError {
  override readonly name = "CheckFailed";
  readonly retry = true;
  readonly status = 503;
  /** Absent: that of the check. */
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string, cause?: unknown) {
    super("check_failed", message, {}, cause);
    this.remedy = remedy;
  }
}

export function ok(detail: string): Finding {
  return { state: "ok", detail };
}

/** @param loses what does not work without it */
export function missing(loses: string, remedy: string): Finding {
  return { state: "missing", detail: loses, remedy };
}
