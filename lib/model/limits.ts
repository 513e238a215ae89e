/** Tokens of each part of a prompt, which bound it as a whole: 32,000 and what a skill or a repair adds. */
export const PROMPT_TOKENS = {
  /** Whoever asks for more is told so: an order that is cut may say something else. */
  task: 4_000,
  brief: 4_000,
  instruction: 2_000,
  /** Names and descriptions; those that do not fit are not offered. */
  skills: 1_500,
  /** Cut at its end. */
  previous: 4_000,
  /** The newest that fit. */
  history: 3_000,
  /** The first that fit; the next one is cut if enough of it remains to say something. */
  passages: 13_500,
  /** The body of one skill. */
  skill: 3_000,
} as const;

/** Of one answer, with what a reasoning model thinks before it. */
export const MAX_OUTPUT_TOKENS = 8_000;
/** How many bodies of skills a model may ask for. */
export const MAX_SKILLS = 3;
/** More bytes than any answer has, as a stream with its wrapping. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

const STATEMENTS = { usual: 8, most: 20 };

/** How many statements may come back, whoever writes them. */
export function statementLimit({ maxStatements }: { maxStatements?: number }): number {
  return Math.min(Math.max(maxStatements ?? STATEMENTS.usual, 1), STATEMENTS.most);
}
