/** What the engine refuses, in bytes, milliseconds and counts: the figures that production enforces. */
export const limits = {
  /** One event as JSON: the most of any plan. */
  eventBytes: 3 * 1024 * 1024,
  /** Levels of lists and objects in JSON: the only figure that is ours, for V8 can write some thousand. */
  jsonDepth: 1000,
  /** One request to the engine; an array of events has to fit into it. */
  requestBytes: 32 * 1024 * 1024,
  /** Output of one step or of a run. */
  stepOutputBytes: 4 * 1024 * 1024,
  /** Outputs of all steps of a run together. */
  runStateBytes: 32 * 1024 * 1024,
  /** Steps of a run. */
  steps: 1000,
  /** Reply of the app to one call: several steps may come back together. */
  replyBytes: 40 * 1024 * 1024,
  /** Above this the app fetches steps and events itself (`use_api`). */
  inlineStateBytes: 4 * 1024 * 1024,
  /** Sleeps, waits and invoke timeouts. */
  waitMs: 366 * 24 * 60 * 60 * 1000,
  /** How long an event id or an idempotency key starts nothing a second time. */
  idempotencyMs: 24 * 60 * 60 * 1000,
  /** One note of metadata, and all of a run. */
  metadataBytes: 64 * 1024,
  runMetadataBytes: 1024 * 1024,
  /** One realtime message, and one that is streamed. */
  messageBytes: 512 * 1024,
  streamBytes: 1000 * 1024,
  /** Sessions of one event, and characters of a session's key and of its id. */
  sessions: 5,
  sessionChars: 512,
  retries: 20,
  triggers: 10,
  cancelOn: 5,
  concurrencyKeys: 2,
  /** Events of one batch. */
  batchEvents: 100,
  expressionChars: 4000,
} as const;
