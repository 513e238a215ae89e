import { createRemoteJWKSet, jwtVerify } from "jose";
import { identify, TOKEN_RULES, type TokenCheck } from "./token.ts";

/** Signatures with a public key only, so that a published key can never pass as the secret of an HMAC. */
const ALGORITHMS = ["EdDSA", "Ed25519", "ES256", "RS256", "PS256"];

export interface NeonAuthOptions {
  readonly jwksUrl: string;
  /** Checked when given. */
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

/** Checks tokens of Neon Auth by the keys that it publishes; they are fetched once and again for an unknown key id. */
export function neonAuth({ jwksUrl, issuer, audience }: NeonAuthOptions): TokenCheck {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 3000 });
  const rules = {
    ...TOKEN_RULES,
    algorithms: ALGORITHMS,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  return (token) => identify(() => jwtVerify(token, keys, rules));
}
