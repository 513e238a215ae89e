import type * as z from "zod";
import type { Tx } from "../data/transaction.server.ts";
import { CountersignError, Later } from "../errors.ts";

/** JSON object: what a plan shows, an approval hashes and a row keeps. */
export type Json = Record<string, unknown>;

/** The thing in the other system that an effect became. */
export interface External {
  readonly id: string;
  readonly url?: string | undefined;
}

/** What a look has found, and the fields of the intent that it was made as, where the other system shows them. */
export interface Found extends External {
  readonly intent?: Json | undefined;
}

export interface EffectCall<P> {
  /** Travels inside the external object, so that `find` can tell it from everybody else's. */
  readonly marker: string;
  /** As they were planned, approved and stored. What is secret is fetched inside, used and forgotten. */
  readonly params: P;
  /** Aborted when the time that the lease allows for the call is over. */
  readonly signal: AbortSignal;
}

/** An effect that is known to be there. */
export interface Confirmed<P> {
  readonly id: string;
  readonly projectId: string;
  readonly runId: string;
  readonly params: P;
  readonly externalId: string;
  readonly externalUrl: string | null;
  /** A person has said that this is it; otherwise we have made it, or found it by its marker. */
  readonly named: boolean;
}

/** One kind of change in another system: data and two functions. */
export interface EffectDefinition<P extends Json = Json> {
  /** Unique and stable: rows name it. */
  readonly kind: string;
  /** What policy decides on: `repo.merge`, `deploy.production`. */
  readonly scope: string;
  readonly params: z.ZodType<P>;
  /** Only the fields that make it *this* change; never a secret, since it is hashed, shown and kept as it is. */
  intent(params: P): Json;
  /** One line for the person who decides. */
  summary(params: P): string;
  /**
   * `consistent`: what was made is seen by the next read, so what is not found was not made. Otherwise how long after the
   * call a read may still miss it, in ms; not found after that is `unknown`, which a person resolves.
   */
  readonly reads: "consistent" | { readonly settleMs: number };
  /** Most time for one call, in ms; asked for by each. The lease is twice as long: a call that was let go has then ended. */
  timeoutMs(): number;
  /**
   * Looks for it by its marker; null when it is not there. What it says of the `intent` that the thing was made as comes
   * from the thing, never from `params`: it may have been made under an earlier plan.
   */
  find(call: EffectCall<P>): Promise<Found | null>;
  /**
   * What `find` finds is that something is gone. After a call that may have done it that says that it was done; before one it says
   * nothing of the kind, since what a key may not see looks as if it were gone: `perform` judges that itself.
   */
  readonly findsAbsence?: true;
  /**
   * Whether it was done although it is not to be found any more, because somebody has taken it back; absent where that cannot be
   * told. Asked of what was sent when its run was over.
   */
  wasDone?(call: EffectCall<P>): Promise<boolean>;
  /**
   * Does it, and says of the `intent` what was made, where a call cannot hold the other system to it. Throws
   * {@link EffectRefused}, {@link EffectMoved} or {@link EffectDeferred} only when surely nothing was done.
   */
  perform(call: EffectCall<P>): Promise<Found>;
  /** Writes what our own tables say of the thing, in the transaction that confirms it. The same again changes nothing. */
  record?(effect: Confirmed<P>, tx: Tx): Promise<void>;
}

/** The other system refused for good and did nothing: bad input, no right, a name that is taken. */
export class EffectRefused extends CountersignError {
  override readonly name = "EffectRefused";
  readonly retry = false;
  readonly status = 409;
}

/** What the plan was made against has changed (a head moved), and nothing was done: the plan must be made anew. */
export class EffectMoved extends CountersignError {
  override readonly name = "EffectMoved";
  readonly retry = false;
  readonly status = 409;
}

/** The other system asks to come back later and did nothing. */
export class EffectDeferred extends Later {
  override readonly name = "EffectDeferred";

  constructor(message: string, afterMs: number) {
    super("effect_deferred", message, afterMs);
  }
}
