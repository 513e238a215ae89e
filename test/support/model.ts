import { eq } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { db } from "#db/client.ts";
import { modelCalls, projects, runs } from "#db/schema.ts";
import type { Caller, WriteRequest, Written } from "#lib/model/port.ts";
import { write } from "#lib/model/write.ts";
import { type OpenAiServer, startOpenAi } from "../servers/openai.ts";
import { type TestDatabase, testDatabase } from "../setup/database.ts";
import { setEnv } from "./environment.ts";

export const KEY = "sk-test-0123456789abcdefghij";
const VARIABLES = ["MODEL", "MODEL_URL", "MODEL_API_KEY", "MODEL_TIMEOUT_SECONDS"];

export const passages = [
  {
    id: "chunk_a",
    label: "manual.pdf, page 3",
    text: "Backups are kept\nfor 35 days. Then they go.",
  },
  { id: "chunk_b", label: "notes.md", text: "Keys are rotated every 90 days." },
];
export const question: WriteRequest = { task: "How long are backups kept?", passages };

/** What a model answers: one statement with these citations. */
export const says = (...quotes: [source: number, quote: string][]) => ({
  answered: true,
  statements: [
    {
      text: "They are kept for 35 days.",
      citations: quotes.map(([source, quote]) => ({ source, quote })),
    },
  ],
});
/** A reply to {@link question}, and what comes of it. */
export const good = { answer: says([1, "Backups are kept for 35 days."]) };
export const written: Written = {
  statements: [
    {
      text: "They are kept for 35 days.",
      // As the passage has it, with its line end.
      citations: [{ passageId: "chunk_a", quote: "Backups are kept\nfor 35 days." }],
    },
  ],
  answered: true,
  model: "test/model",
  dropped: 0,
};

export interface ModelBed {
  server: OpenAiServer;
  /** For the run of the test, whose budget nothing else has touched. */
  caller: Caller & { readonly runId: string };
  ask(more?: Partial<WriteRequest>, caller?: Caller): Promise<Written>;
  rows(): Promise<(typeof modelCalls.$inferSelect)[]>;
  outcomes(): Promise<string[]>;
}

/** For a test file: a database, a model server that the environment names, project `p`, and a new run for each test. */
export function modelBed(): ModelBed {
  const bed = {} as ModelBed;
  let database: TestDatabase;
  let made = 0;
  beforeAll(async () => {
    [database, bed.server] = await Promise.all([testDatabase(), startOpenAi({ key: KEY })]);
    await db().insert(projects).values({ id: "p", ownerUserId: "o", name: "p", slug: "p" });
  });
  afterAll(async () => {
    await bed.server?.close();
    await database?.close();
  });
  beforeEach(async () => {
    const { url } = bed.server;
    await setEnv({ MODEL: "test/model", MODEL_URL: url, MODEL_API_KEY: KEY });
    bed.caller = { projectId: "p", runId: `run-${++made}`, stepId: "write/one" };
    const row = { projectId: "p", kind: "research" as const, input: {}, requestedBy: "ci" };
    await db()
      .insert(runs)
      .values({ id: bed.caller.runId, ...row });
  });
  afterEach(() => {
    for (const name of VARIABLES) delete process.env[name];
    bed.server.replies.length = 0;
    bed.server.requests.length = 0;
    bed.server.respond = () => ({ status: 500, message: "The test has not said what to answer." });
  });
  return Object.assign(bed, {
    ask: (more: Partial<WriteRequest> = {}, caller: Caller = bed.caller) =>
      write({ ...question, ...more }, caller),
    rows: () => db().select().from(modelCalls).where(eq(modelCalls.runId, bed.caller.runId)),
    outcomes: async () => (await bed.rows()).map(({ outcome }) => outcome).sort(),
  });
}
