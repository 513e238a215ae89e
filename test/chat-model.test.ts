import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, until } from "#local/client.ts";
import { type ChatRequest, type OpenAiServer, type Reply, startOpenAi } from "./servers/openai.ts";
import { makeProject, OWNER, type TestCloud, testCloud } from "./support/cloud.ts";
import { Researcher } from "./support/research.ts";

const KEY = "sk-test-0123456789abcdefghij";
const P = "asked";
const RULE = "The chain must be 3 metres longer than the water is deep.";

let server: OpenAiServer;
let world: TestCloud;
let client: Client;

beforeAll(async () => {
  server = await startOpenAi({ key: KEY });
  const env = { MODEL: "test/model", MODEL_URL: server.url, MODEL_API_KEY: KEY };
  world = await testCloud({ env });
  client = await Client.of(OWNER, world.cloud);
  const desk = new Researcher(world, client);
  await makeProject(client, P);
  await desk.upload(P, "mooring.md", Buffer.from(`# Mooring\n\n${RULE}\n`));
  await desk.ingested(P, 1);
}, 90_000);
afterAll(async () => {
  await world?.close();
  await server?.close();
});

interface ApiThread {
  readonly messages: {
    readonly items: readonly {
      readonly id: string;
      readonly role: "user" | "assistant";
      readonly state: string | null;
      readonly error: string | null;
    }[];
  };
}

/** The questions of a thread, oldest first, once this one does not wait. */
async function settled(thread: string, messageId: string) {
  return await until(`${messageId} to be settled`, async () => {
    const found = await client.call<ApiThread>("GET", `/api/threads/${thread}`).catch(() => null);
    const questions = found?.messages.items.filter(({ role }) => role === "user") ?? [];
    const own = questions.find(({ id }) => id === messageId);
    return own !== undefined && own.state !== "pending" && questions.toReversed();
  });
}

const said = (threadId: string, messageId: string, content: string) => ({
  name: "chat.message.sent",
  data: { projectId: P, threadId, messageId, content },
});

const answered: Reply = {
  answer: { answered: true, statements: [{ text: RULE, citations: [{ source: 1, quote: RULE }] }] },
};
const busy = (seconds: number): Reply => {
  return { status: 429, message: "Not now", headers: { "retry-after": `${seconds}` } };
};

test("a question is not failed for the one before it, at which all tries of its own run were", async () => {
  // The run of the first waits for longer than all tries of the second one's run take.
  server.replies.push(busy(25));
  server.respond = ({ text }: ChatRequest) => (text.includes("anchor") ? busy(1) : answered);
  await client.send(said("two", "two-1", "How long is the chain of an anchor?"));
  await until("a try", async () => server.requests.length > 0);
  await client.send(said("two", "two-2", "How long is the chain of a buoy?"));
  const busyFor = expect.stringMatching(/^model_busy: /);
  expect(await settled("two", "two-2")).toMatchObject([
    { id: "two-1", state: "failed", error: busyFor },
    { id: "two-2", state: "answered", error: null },
  ]);
}, 60_000);
