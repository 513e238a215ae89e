import { afterEach, expect, test } from "vitest";
import { setEnv } from "../../test/support/environment.ts";
import { sealHolds, sealStatement } from "./proof.ts";

const statement = { approvalId: "a", by: "ada", nonce: "n", expiresAt: "2030-01-01T00:00:00Z" };

afterEach(() => setEnv({ APPROVAL_EDGE_SECRET: undefined }));

test("a seal holds for what was sealed, and none does where the secret of our edge is not known", async () => {
  await setEnv({ APPROVAL_EDGE_SECRET: "a secret of at least 32 characters" });
  const value = sealStatement(statement);
  expect(sealHolds(statement, value)).toBe(true);
  expect(sealHolds({ ...statement, by: "eve" }, value)).toBe(false);
  await setEnv({ APPROVAL_EDGE_SECRET: undefined });
  expect(sealHolds(statement, value)).toBe(false);
});
