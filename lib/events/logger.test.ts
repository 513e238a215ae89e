import { afterEach, expect, test, vi } from "vitest";
import { sdkLogger } from "./logger.ts";

afterEach(() => vi.restoreAllMocks());

test("what the SDK logs is one line of JSON, with its error and without its secrets", () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
  const key = `ghp_${"a1B2".repeat(9)}`;
  sdkLogger.error({ err: new Error(`refused ${key}`), runId: "r" }, "a step", "failed");
  sdkLogger.warn(new Error(key));
  sdkLogger.debug("not shown");
  expect(written.join("")).not.toContain(key);
  expect(written.map((line) => JSON.parse(line))).toMatchObject([
    {
      level: "error",
      message: "inngest: a step failed",
      sdk: { err: { message: "refused [redacted:github-token]" }, runId: "r" },
    },
    { level: "warn", sdk: { err: { stack: expect.stringContaining("logger.test.ts") } } },
  ]);
});
