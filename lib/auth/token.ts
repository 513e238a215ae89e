import { errors, type JWTPayload, type JWTVerifyOptions } from "jose";
import { CountersignError, Unauthorized, Unavailable } from "#lib/errors.ts";

/** Who is asking. */
export interface Identity {
  /** The Neon Auth user id; owns projects. */
  readonly userId: string;
}

/** Checks a token and says whose it is. Throws Unauthorized, or Unavailable when it cannot be known now. */
export type TokenCheck = (token: string) => Promise<Identity>;

/** What every token must hold to, whoever signed it. Tokens without an end are not accepted. */
export const TOKEN_RULES = {
  requiredClaims: ["exp", "sub"],
  /** Seconds that two clocks may differ. */
  clockTolerance: 5,
} as const satisfies JWTVerifyOptions;

const NO_VERDICT = [errors.JWKSTimeout, errors.JWKSInvalid, errors.JWKSMultipleMatchingKeys];

/** Runs a verification of `jose` and turns what it throws into our errors. */
export async function identify(verify: () => Promise<{ payload: JWTPayload }>): Promise<Identity> {
  try {
    const { payload } = await verify();
    const { sub } = payload;
    if (typeof sub !== "string" || sub.length === 0 || sub.length > 200) throw invalid("no user");
    return { userId: sub };
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw verdict(error);
  }
}

function verdict(error: unknown): CountersignError {
  if (error instanceof errors.JWTExpired) {
    return new Unauthorized("token_expired", "The token has expired: get a new one", {}, error);
  }
  // The plain JOSEError is what a failing key server gives; its subclasses are about the token.
  const aboutToken =
    error instanceof errors.JOSEError &&
    error.constructor !== errors.JOSEError &&
    !NO_VERDICT.some((type) => error instanceof type);
  if (aboutToken) return invalid(error.code, error);
  return new Unavailable("auth_unavailable", "Tokens cannot be checked at the moment", {}, error);
}

function invalid(reason: string, cause?: unknown): Unauthorized {
  return new Unauthorized("token_invalid", "The token is not valid here", { reason }, cause);
}
