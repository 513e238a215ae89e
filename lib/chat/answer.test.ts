import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { chatMessages } from "#db/schema.ts";
import { document } from "../../test/support/document.ts";
import { modelBed } from "../../test/support/model.ts";
import { startVectorStore, type VectorStore } from "../../test/support/vector-store.ts";
import { getMessage, replyTo } from "../data/messages.server.ts";
import { ownThread } from "../data/threads.server.ts";
import { MESSAGE_BUDGET } from "../model/budget.ts";
import { saveSkill } from "../model/put-skill.ts";
import { acceptMessage } from "./accept.ts";
import { answerQuestion, giveUpWaiting, nextQuestion } from "./answer.ts";
import { giveUpSent } from "./fail.ts";

const bed = modelBed();
// It finds the only document there is, whatever is asked.
let store: VectorStore;
beforeAll(async () => {
  store = await startVectorStore();
  store.chunks = [{ projectId: "p", chunkId: await document("p", "Doors have locks.") }];
});
afterAll(() => store?.close());

const sent = { projectId: "p", threadId: "t", messageId: "m", content: "How are locks picked?" };
/** Answers what waits in a thread, if anything does. */
async function answerNext(thread: { threadId: string }) {
  const next = await nextQuestion(thread);
  return next && (await answerQuestion("p", next.messageId));
}
const thread = () => ownThread({ id: "t", ownerUserId: "o" });

test("a question that fails for good says why and what to do, and waits anew when it is sent again", async () => {
  bed.server.replies.push({ refusal: "I cannot help with that." });
  expect(await acceptMessage(sent)).toEqual({ waits: true });
  expect(await answerNext(sent)).toEqual({ outcome: "failed", messageId: "m" });
  const said = {
    state: "failed",
    error: expect.stringMatching(/^model_refused: .*I cannot help with that/),
    remediation: "The model will not answer this: ask in other words, in a new message.",
  };
  expect(await getMessage({ id: "m" })).toMatchObject(said);
  expect(await thread()).toMatchObject(said);
  expect(await replyTo({ id: "m" })).toBeNull();
  // Nobody tries it again by himself.
  expect(await answerNext(sent)).toBeNull();
  expect(bed.server.requests).toHaveLength(1);

  const open = { error: null, remediation: null };
  expect(await acceptMessage(sent)).toEqual({ waits: true });
  expect(await getMessage({ id: "m" })).toMatchObject({ state: "pending", ...open });
  expect(await thread()).toMatchObject({ state: "answering", ...open });
  bed.server.replies.push({ answer: { answered: false, statements: [] } });
  const answered = await answerNext(sent);
  expect(answered).toMatchObject({ outcome: "replied", messageId: "m" });
  expect(await replyTo({ id: "m" })).toMatchObject({
    content: "The project's documents do not answer this.",
  });
  expect(await thread()).toMatchObject({ state: "idle", ...open });
  expect(await acceptMessage(sent)).toEqual({ waits: false });
});

test("a question that was sent again is not given up for what an earlier sending came to", async () => {
  const asked = { ...sent, threadId: "given-up", messageId: "given-up" };
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  await acceptMessage(asked);
  expect(await giveUpSent(asked, "first: it failed", ago(0))).toEqual({ failed: true });
  expect(await acceptMessage(asked)).toEqual({ waits: true });
  expect(await giveUpSent(asked, "earlier: it failed too", ago(20))).toEqual({ failed: false });
  expect(await getMessage({ id: asked.messageId })).toMatchObject({
    state: "pending",
    error: null,
  });
  expect(await giveUpSent(asked, "second: it failed", ago(0))).toEqual({ failed: true });
});

test("a question whose tries are used up is given up, also when the sweeper woke others for it meanwhile", async () => {
  const asked = { ...sent, threadId: "swept", messageId: "swept" };
  const sentAt = new Date();
  await acceptMessage(asked);
  const later = { wokenAt: sql`now() + interval '75 minutes'` };
  await db().update(chatMessages).set(later).where(eq(chatMessages.id, asked.messageId));
  expect(await giveUpSent(asked, "busy: it failed", sentAt)).toEqual({ failed: true });
  expect(await answerNext(asked)).toBeNull();
});

test("tries that are used up do not give up a question that was sent again meanwhile, or was answered by another run", async () => {
  const asked = { ...sent, threadId: "tried", messageId: "tried" };
  const waiting = async () => {
    const next = await nextQuestion(asked);
    if (!next) throw new Error("no question waits");
    return next;
  };
  await acceptMessage(asked);
  const first = await waiting();
  const failed = { outcome: "failed", messageId: "tried" };
  expect(await giveUpWaiting(first, "model_busy: once")).toEqual(failed);
  expect(await getMessage({ id: "tried" })).toMatchObject({ error: "model_busy: once" });
  await acceptMessage(asked);
  const second = await waiting();
  await giveUpWaiting(first, "model_busy: late");
  expect(await waiting()).toEqual(second);
  bed.server.replies.push({ answer: { answered: false, statements: [] } });
  const replied = await answerQuestion("p", "tried");
  expect(replied).toMatchObject({ outcome: "replied" });
  expect(await giveUpWaiting(second, "model_busy: too late")).toEqual(replied);
});

test("however often the model was not to be had, a question is answered once it is", async () => {
  await acceptMessage({ ...sent, threadId: "outage", messageId: "late" });
  const thread = { threadId: "outage" };
  const message = "Not now";
  const down = [{ status: 503, message }, { status: 429, message }, { fault: "close" as const }];
  for (let n = 0; n <= MESSAGE_BUDGET.calls; n++) {
    bed.server.replies.push(...down.slice(n % 3, (n % 3) + 1));
    await expect(answerNext(thread)).rejects.toMatchObject({ retry: true });
  }
  bed.server.replies.push({ answer: { answered: false, statements: [] } });
  expect(await answerNext(thread)).toMatchObject({ outcome: "replied", messageId: "late" });
});

test("a project's skill is read by the model that answers its questions, and only when it asks for it", async () => {
  const content = "---\nname: tone\ndescription: How to answer\n---\nAnswer like a pirate.";
  await saveSkill({ projectId: "p", name: "tone", content });
  await acceptMessage({ ...sent, threadId: "skilled", messageId: "arr", content: "Who are you?" });
  bed.server.replies.push(
    { tool: { name: "load_skill", arguments: { name: "Tone" } } },
    { answer: { answered: false, statements: [] } },
  );
  const thread = { threadId: "skilled" };
  expect(await answerNext(thread)).toMatchObject({ outcome: "replied", messageId: "arr" });
  const [first, second] = bed.server.requests;
  expect(first?.text).toContain("How to answer");
  expect(first?.text).not.toContain("like a pirate");
  expect(second?.text).toContain("Answer like a pirate.");
});
