import fc from "fast-check";
import { expect, test } from "vitest";
import { redactText } from "../redact.ts";
import { approvalGranted } from "./catalogue/approvals.ts";
import { chatMessageSent } from "./catalogue/chat.ts";
import { actor, name, note, saying } from "./catalogue/fields.ts";
import { fileUploaded } from "./catalogue/files.ts";
import { projectCreated } from "./catalogue/projects.ts";
import { runCancelRequested, runRequested } from "./catalogue/runs.ts";
import { CATALOGUE, INBOUND, OUTBOUND } from "./catalogue.ts";
import { event } from "./emit.ts";
import { originOf } from "./origin.ts";
import { eventSchemas } from "./schema.ts";

const promised = {
  inbound:
    "file.uploaded project.created file.removed project.deleted repo.connected repo.pushed repo.checked run.requested run.cancel.requested approval.granted approval.denied approval.revoked effect.resolved infra.provisioned chat.message.sent",
  outbound:
    "file.ingested file.rejected run.started run.waiting run.succeeded run.failed run.canceled approval.requested approval.settled effect.settled artifact.created sandbox.job.finished infra.provisioned deployment.updated chat.message.replied",
};

test("the catalogue is the contract, whole", () => {
  expect(INBOUND.map((type) => type.name).sort()).toEqual(promised.inbound.split(" ").sort());
  expect(OUTBOUND.map((type) => type.name).sort()).toEqual(promised.outbound.split(" ").sort());
});

test("every event is described by a JSON Schema that demands projectId", () => {
  const schemas = eventSchemas();
  expect(Object.keys(schemas).sort()).toEqual([...CATALOGUE.keys()].sort());
  for (const { data } of Object.values(schemas)) {
    const forms = (data.anyOf ?? [data]) as {
      required?: string[];
      additionalProperties?: boolean;
    }[];
    for (const form of forms) {
      expect(form.required).toContain("projectId");
      expect(form.additionalProperties).toBe(false);
    }
  }
});

test("a misspelt field is refused, not ignored", () => {
  const data = { projectId: "p", name: "a.pdf", url: "https://x.example/a.pdf", sha265: "0" };
  const result = fileUploaded.schema.safeParse(data);
  expect(result.error?.issues[0]?.message).toContain("sha265");
});

test("an event's id says what happened: field order does not matter, content and occasion do", () => {
  const one = event(fileUploaded, { projectId: "p", fileId: "f" });
  expect(event(fileUploaded, { fileId: "f", projectId: "p" }).id).toBe(one.id);
  expect(event(fileUploaded, { projectId: "p", fileId: "g" }).id).not.toBe(one.id);
  expect(event(fileUploaded, { projectId: "p", fileId: "f" }, "again").id).not.toBe(one.id);
});

test("what is sent holds no secret, and an id or slug that looks like one is refused", () => {
  const key = `ghp_${"a1B2".repeat(9)}`;
  const data = { projectId: "p", threadId: "t", messageId: "m", content: `use ${key}` };
  expect(event(chatMessageSent, data).data.content).toBe("use [redacted:github-token]");
  expect(() => event(chatMessageSent, { ...data, threadId: key })).toThrow("looks like a secret");
  const project = {
    projectId: "p",
    name: "P",
    owner: "o",
    slug: `xoxb-2048-1024-${"a1b2".repeat(6)}`,
  };
  expect(() => event(projectCreated, project)).toThrow("looks like a secret");
});

test("a link with what no row can hold is refused", () => {
  const link = (sourceUrl: string) =>
    fileUploaded.schema.safeParse({ projectId: "p", name: "a.pdf", url: sourceUrl }).success;
  expect(link("https://a.example/x")).toBe(true);
  expect(link("https://a.example/\0x")).toBe(false);
  expect(link("https://a.example/\ud800")).toBe(false);
});

test("a proof that looks like a token by chance is sent as it is, and what stands beside it is not", () => {
  const token = `r8_${"a1B2".repeat(10)}`;
  const proof = { nonce: token, expiresAt: "2026-01-01T00:00:00Z", value: token };
  const signature = { ...proof, keyId: "0".repeat(32) };
  const decision = { projectId: "p", approvalId: "a", intentHash: "0".repeat(64), by: "ada" };
  const said = event(approvalGranted, { ...decision, note: token, edge: proof, signature });
  expect(said.data).toMatchObject({
    edge: proof,
    signature,
    note: expect.not.stringMatching(token),
  });
  expect(approvalGranted.schema.safeParse(said.data).success).toBe(true);
});

test("an event is remembered by its id, a secret-looking one by its hash", () => {
  expect(originOf({ id: "run.requested:1" })).toBe("run.requested:1");
  expect(originOf({ id: `ghp_${"a1B2".repeat(9)}` })).toMatch(/^[0-9a-f]{64}$/);
});

test("an event that does not fit its schema cannot be made", () => {
  expect(() =>
    event(chatMessageSent, { projectId: "p", threadId: "t", messageId: "m", content: "" }),
  ).toThrow();
});

test.each([
  ["requestedBy", { requestedBy: "http://u:p@h ".repeat(15) }],
  ["reason", { reason: "http://u:p@h ".repeat(300), by: "ada", runId: "r" }],
  ["content", { content: "http://u:p@h ".repeat(2400), threadId: "t", messageId: "m" }],
])("what is too long once its secrets are replaced is refused as it comes: %s", (field, more) => {
  const types = { requestedBy: runRequested, reason: runCancelRequested, content: chatMessageSent };
  const { schema } = types[field as keyof typeof types];
  const run = field === "requestedBy" ? { kind: "research", input: {} } : {};
  const issues = schema.safeParse({ projectId: "p", ...run, ...more }).error?.issues;
  expect(issues).toMatchObject([{ path: [field], message: expect.stringContaining("replaced") }]);
});

test("a text that was taken is taken again as it is sent on", () => {
  const part = fc.constantFrom("http://u:p@h ", "token=abcdefgh1 ", "word ", "x".repeat(190));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      for (const field of [actor, name, note, saying]) {
        const taken = field.safeParse(parts.join(""));
        if (taken.success) expect(field.parse(redactText(taken.data))).toBe(redactText(taken.data));
      }
    }),
  );
});

test.each([
  ["NUL in a value", { target: "a\0b" }],
  ["NUL in a key", { "a\0b": 1 }],
  ["half a surrogate pair, deep", { a: [{ b: "\ud800" }] }],
])("what PostgreSQL cannot store is refused: %s", (_, input) => {
  const data = { projectId: "p", kind: "research", requestedBy: "ci", input };
  expect(runRequested.schema.safeParse(data).error?.issues[0]?.message).toContain("NUL");
  const harmless = { ...data, input: { text: "the six characters \\u0000" } };
  expect(runRequested.schema.safeParse(harmless).success).toBe(true);
});
