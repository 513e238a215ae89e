import { failQuestion, getMessage, oldestPending } from "../data/messages.server.ts";
import { isSame, type SentMessage } from "./accept.ts";

const AGAIN =
  "Send the message again with the same messageId: as long as it has no answer, it is tried again.";
const OTHER = "Ask something that needs less, in a new message.";

/** What a person can do, by the code that our errors begin with (`code: message`). */
const REMEDIES: Readonly<Record<string, string>> = {
  budget_tokens: OTHER,
  budget_calls: OTHER,
  budget_seconds: OTHER,
  model_prompt_too_long: "Say it in fewer words, in a new message, or upload it as a document.",
  model_refused: "The model will not answer this: ask in other words, in a new message.",
  model_rejected: `The model's server does not take our requests: look at MODEL, MODEL_URL and the key. ${AGAIN}`,
  vectors_unavailable: `Get the vector store going, or look at UPSTASH_VECTOR_REST_URL and its token. ${AGAIN}`,
  environment: `Set the variable that is named, and deploy. ${AGAIN}`,
};

/** By how much the clocks of senders and of the database may differ. */
const CLOCKS_MS = 60_000;

/**
 * Says for good that a waiting question has no answer, and what a person can do. Whether it still waited.
 * @param since only if it waits since then, and was not sent again later
 */
export async function giveUp(id: string, error: string, since?: Date): Promise<boolean> {
  const code = /^([a-z_]+): /.exec(error)?.[1] ?? "";
  return await failQuestion({ id, error, remediation: REMEDIES[code] ?? AGAIN, since });
}

/**
 * The same for the question that an event brought, when the engine has given it up. An event that was refused says nothing
 * about the message whose id it used; nor does one from before the question was sent again after it had failed, since another run of
 * the engine is at it by now. That the sweeper has woken another meanwhile does not keep it: it does so again and again, and the
 * question would wait for ever, with all that are behind it.
 * @param sentAt when the event was sent
 * @param inTurn only if no older question of the thread waits, since the run was then at that one. The sweeper wakes this one later
 */
export async function giveUpSent(
  sent: SentMessage,
  error: string,
  sentAt: Date,
  { inTurn = false } = {},
): Promise<{ failed: boolean }> {
  const row = await getMessage({ id: sent.messageId });
  if (!row || !isSame(row, sent)) return { failed: false };
  if (sentAt.getTime() + CLOCKS_MS < row.waitsSince.getTime()) return { failed: false };
  if (inTurn && (await oldestPending(row))?.id !== row.id) return { failed: false };
  return { failed: await giveUp(row.id, error) };
}
