import { NonRetriableError } from "inngest";
import { expect, test } from "vitest";
import { Unavailable } from "../errors.ts";
import { cleanError } from "./clean.ts";

const key = `npm_${"a1B2".repeat(9)}`;

test("an error keeps its class and says nothing secret, nor do its causes", () => {
  const cause = Object.assign(new Error(`params: ${key}`), { code: "23505" });
  const error = new NonRetriableError(`failed: ${key}`, {
    cause: new Unavailable("x", `with ${key}`, {}, cause),
  });
  const cleaned = cleanError(error) as NonRetriableError;
  expect(cleaned).toBe(error);
  expect(cleaned).toBeInstanceOf(NonRetriableError);
  for (let at: unknown = cleaned; at instanceof Error; at = at.cause) {
    expect(at.message).toContain("[redacted:npm-token]");
    expect(`${at.message} ${at.stack}`).not.toContain(key);
    expect(at.stack).toContain("clean.test.ts");
  }
  expect(cause.code).toBe("23505");
});

test("what is no error, and what is its own cause, come to an end", () => {
  expect(cleanError({ token: "word", at: [key] })).toEqual({
    token: "[redacted:secret]",
    at: ["[redacted:npm-token]"],
  });
  expect(cleanError(`no ${key}`)).toBe("no [redacted:npm-token]");
  const circle = new Error(key);
  circle.cause = circle;
  expect((cleanError(circle) as Error).message).toBe("[redacted:npm-token]");
});
