import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AgentTurn,
  boundConversation,
  type Conversation,
  conversationSchema,
  conversationTokens,
  DROPPED,
  NO_INPUT,
} from "./agent-conversation.ts";

const words = (count: number) => "word ".repeat(count);
const read = (id: string, result: string): AgentTurn => ({
  text: "",
  calls: [{ id, name: "read_file", input: '{"path":"a.ts"}', result }],
});

test("what fits stays as it is", () => {
  const conversation = { task: "Do it.", turns: [read("1", words(100))] };
  expect(boundConversation(conversation, 1_000)).toBe(conversation);
});

const bounded = (turns: AgentTurn[]) => {
  const conversation = { task: "Do it.", turns };
  return boundConversation(conversation, conversationTokens(conversation) - 1).turns;
};

test("the oldest results go first, down to three quarters, and the newest stays whole", () => {
  const turns = ["1", "2", "3", "4", "5"].map((id) => read(id, words(300)));
  const [first, second, ...others] = bounded(turns);
  expect([first, second].map((turn) => turn?.calls[0]?.result)).toEqual([DROPPED, DROPPED]);
  expect(others).toEqual(turns.slice(2));
});

test("then what was asked, then whole turns", () => {
  const written = (id: string): AgentTurn => ({
    text: "",
    calls: [{ id, name: "write_file", input: words(400), result: "ok" }],
  });
  const turns = ["1", "2", "3", "4", "5"].map(written);
  const [first, second, ...others] = bounded(turns);
  expect([first, second].map((turn) => turn?.calls[0]?.input)).toEqual([NO_INPUT, NO_INPUT]);
  expect(others).toEqual(turns.slice(2));
  const said = Array.from({ length: 8 }, (_, at) => ({ text: `${at} ${words(100)}`, calls: [] }));
  // Six of eight would be a token above three quarters.
  expect(bounded(said)).toEqual(said.slice(3));
});

test("a task that is too long is said to be so", () => {
  const conversation = { task: words(2_000), turns: [read("1", words(10))] };
  expect(() => boundConversation(conversation, 1_000)).toThrow("fewer words");
});

test("whatever was said fits, in order, with each call's result, the task and the newest turn", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.nat({ max: 1_500 }).map(words),
  );
  const call = fc.record({
    ...{ id: fc.uuid(), name: fc.constantFrom("read_file", "write_file") },
    ...{ input: text, result: text },
  });
  const turn = fc.record({ text, calls: fc.array(call, { maxLength: 6 }) });
  const limits = fc.integer({ min: 4_500, max: 8_000 });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 12 }), limits, (turns, limit) => {
      const conversation: Conversation = { task: "Do it.", turns };
      const short = boundConversation(conversation, limit);
      expect(conversationTokens(short)).toBeLessThanOrEqual(limit);
      expect(conversationSchema.parse(short)).toEqual(short);
      expect(short.task).toBe("Do it.");
      const ids = (of: Conversation) => of.turns.map(({ calls }) => calls.map(({ id }) => id));
      const kept = ids(short);
      expect(kept).toEqual(ids(conversation).slice(turns.length - kept.length));
      if (turns.length > 0) expect(kept.length).toBeGreaterThan(0);
      expect(boundConversation(short, limit)).toBe(short);
    }),
    { numRuns: 15 },
  );
});
