import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import * as z from "zod";

/** What of a chat-completions request has to be there; a real server refuses it otherwise. */
const requestSchema = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(z.looseObject({ role: z.enum(["system", "user", "assistant", "tool"]) }))
    .min(1),
  stream: z.boolean().optional(),
  stream_options: z.object({ include_usage: z.boolean() }).partial().optional(),
  max_tokens: z.number().int().positive().optional(),
  tools: z
    .array(
      z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: z.string() }) }),
    )
    .optional(),
});

export interface ChatRequest extends z.infer<typeof requestSchema> {
  readonly headers: IncomingMessage["headers"];
  /** All of its messages as one text, to look for something in it. */
  readonly text: string;
}

interface ToolCall {
  readonly name: string;
  readonly arguments: unknown;
}

/** What to do with one request. */
export type Reply =
  /** Writes this value as JSON, or this text. */
  | { readonly answer: unknown }
  | { readonly text: string; readonly finish?: "stop" | "length" | "content_filter" }
  | { readonly refusal: string }
  | { readonly tool: ToolCall }
  /** Several at once; arguments that are a text go out as they are. */
  | { readonly calls: readonly ToolCall[] }
  | {
      readonly status: number;
      readonly message: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Never answers, closes the socket before the answer, or in the middle of it, or says in the stream that it failed. */
  | { readonly fault: "hang" | "close" | "cut" | "stream_error" };

/** What a request gets: the next of `replies`, or what `respond` makes of it when there is none. */
export interface OpenAiServer {
  /** The base URL, for MODEL_URL. */
  readonly url: string;
  readonly requests: ChatRequest[];
  /** Replies for the next requests, in this order. */
  readonly replies: Reply[];
  respond: (request: ChatRequest) => Reply;
  close(): Promise<void>;
}

/**
 * A server that speaks OpenAI's chat completions over HTTP, streamed and whole, and does for each request what it is told.
 * With `key` it wants that key, and its refusal repeats the one that came, as real ones do.
 */
export async function startOpenAi({ key }: { key?: string } = {}): Promise<OpenAiServer> {
  const replies: Reply[] = [];
  const requests: ChatRequest[] = [];
  const server = createServer(async (request, response) => {
    const token = request.headers.authorization?.replace(/^Bearer /, "");
    if (request.method !== "POST" || request.url !== "/v1/chat/completions") {
      return refuse(response, { status: 404, message: `No ${request.method} ${request.url}` });
    }
    if (key !== undefined && token !== key) {
      return refuse(response, { status: 401, message: `Incorrect API key provided: ${token}` });
    }
    const parsed = requestSchema.safeParse(await json(request));
    if (!parsed.success) return refuse(response, { status: 400, message: parsed.error.message });
    const text = JSON.stringify(parsed.data.messages);
    const seen: ChatRequest = { ...parsed.data, headers: request.headers, text };
    requests.push(seen);
    perform(response, seen, replies.shift() ?? self.respond(seen));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const self: OpenAiServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    replies,
    respond: () => ({ status: 500, message: "The test has not said what to answer." }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

function refuse(
  response: ServerResponse,
  {
    status,
    message,
    headers = {},
  }: { status: number; message: string; headers?: Readonly<Record<string, string>> },
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ error: { message, type: "error", param: null, code: null } }));
}

function perform(response: ServerResponse, request: ChatRequest, reply: Reply): void {
  if ("status" in reply) {
    refuse(response, reply);
    return;
  }
  if ("fault" in reply && reply.fault === "hang") return;
  if ("fault" in reply && reply.fault === "close") {
    response.destroy();
    return;
  }
  const { message, finish } = completion(reply);
  const usage = {
    prompt_tokens: Math.ceil(request.text.length / 4),
    completion_tokens: Math.ceil(JSON.stringify(message).length / 4),
  };
  const head = { id: "chatcmpl-1", created: 1, model: request.model };
  if (!request.stream) {
    const choices = [
      { index: 0, message: { role: "assistant", ...message }, finish_reason: finish },
    ];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...head, object: "chat.completion", choices, usage }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (data: object) =>
    response.write(
      `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", ...data })}\n\n`,
    );
  const delta = (part: object, finish_reason: string | null = null) =>
    send({ choices: [{ index: 0, delta: part, finish_reason }] });
  delta({ role: "assistant", content: "" });
  for (const part of pieces(message)) delta(part);
  if ("fault" in reply) {
    if (reply.fault === "stream_error") {
      response.end(
        `data: ${JSON.stringify({ error: { message: "The engine is overloaded" } })}\n\n`,
      );
    } else setImmediate(() => response.destroy());
    return;
  }
  delta({}, finish);
  if (request.stream_options?.include_usage) send({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

interface Message {
  readonly content?: string | null;
  readonly refusal?: string;
  readonly tool_calls?: readonly {
    id: string;
    type: "function";
    function: { name: string; arguments: string };
  }[];
}

function completion(reply: Exclude<Reply, { status: number }>): {
  message: Message;
  finish: string;
} {
  if ("fault" in reply) return { message: { content: '{"answered": tr' }, finish: "stop" };
  if ("refusal" in reply)
    return { message: { content: null, refusal: reply.refusal }, finish: "stop" };
  if ("answer" in reply)
    return { message: { content: JSON.stringify(reply.answer) }, finish: "stop" };
  if ("text" in reply) return { message: { content: reply.text }, finish: reply.finish ?? "stop" };
  const calls = "calls" in reply ? reply.calls : [reply.tool];
  const tool_calls = calls.map(({ name, arguments: input }, at) => ({
    ...{ id: `call_${at + 1}`, type: "function" as const },
    function: { name, arguments: typeof input === "string" ? input : JSON.stringify(input) },
  }));
  return { message: { content: null, tool_calls }, finish: "tool_calls" };
}

/** A message as it comes over the wire: a few characters at a time, also in the middle of a word. */
function pieces({ content, refusal, tool_calls }: Message): object[] {
  const cut = (text: string) => text.match(/[\s\S]{1,7}/gu) ?? [];
  return [
    ...cut(content ?? "").map((part) => ({ content: part })),
    ...cut(refusal ?? "").map((part) => ({ refusal: part })),
    ...(tool_calls ?? []).flatMap(({ id, type, function: { name, arguments: input } }, index) => [
      { tool_calls: [{ index, id, type, function: { name, arguments: "" } }] },
      ...cut(input).map((part) => ({ tool_calls: [{ index, function: { arguments: part } }] })),
    ]),
  ];
}
