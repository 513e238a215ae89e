import * as z from "zod";
import { statementLimit } from "./limits.ts";
import type { Citation, Passage, Statement, WriteRequest, Written } from "./port.ts";
import { terms } from "./terms.ts";

/** What a model answers. Without limits: not every server knows how to keep to them, so they are kept here. */
export const answerSchema = z.object({
  answered: z.boolean(),
  statements: z.array(
    z.object({
      text: z.string(),
      citations: z.array(z.object({ source: z.number(), quote: z.string() })),
    }),
  ),
});

export type Answer = z.infer<typeof answerSchema>;

const MAX = { textChars: 2_000, citations: 8, quoteChars: 1_000 };
/** A quote with less in it stands in any text. */
const MIN_QUOTE_TERMS = 2;

/** The answer in what a model wrote, or what is wrong with it, in words that the model can act on. */
export function parseAnswer(text: string): { answer: Answer } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(bareJson(text));
  } catch {
    // What the parser says is of no use to a model: it has to write the object anew in any case.
    return { problem: "It is not one JSON object." };
  }
  const parsed = answerSchema.safeParse(value);
  if (parsed.success) return { answer: parsed.data };
  const [first] = parsed.error.issues;
  return { problem: `${first?.path.join(".") || "The object"}: ${first?.message}.`.slice(0, 200) };
}

/** The text without a fence: many models put one around JSON, whatever they are told. */
export function bareJson(text: string): string {
  const bare = text.trim();
  if (!bare.startsWith("```") || !bare.endsWith("```")) return bare;
  const begin = bare.indexOf("\n");
  return begin < 0 ? bare : bare.slice(begin, -3).trim();
}

/**
 * What remains of an answer when every quote is held against its passage: quotes that do not stand there are left out, and
 * with them the statements that have no other. `shown` are the passages by their number in the prompt.
 */
export function checkAnswer(
  { answered, statements }: Answer,
  { shown, request, model }: { shown: readonly Passage[]; request: WriteRequest; model: string },
): Written {
  const checked = answered ? statements.map((statement) => checkStatement(statement, shown)) : [];
  const kept = checked.filter(({ text, citations }) => text !== "" && citations.length > 0);
  const limited = kept.slice(0, statementLimit(request));
  return {
    statements: limited,
    answered: limited.length > 0,
    model,
    dropped: checked.length - kept.length,
  };
}

function checkStatement(
  { text, citations }: Answer["statements"][number],
  shown: readonly Passage[],
): Statement {
  const found = citations.flatMap(({ source, quote }): Citation[] => {
    const passage = shown[source - 1];
    if (!passage) return [];
    const verbatim = locate(passage.text, quote.slice(0, MAX.quoteChars));
    return verbatim === undefined ? [] : [{ passageId: passage.id, quote: verbatim }];
  });
  const different = found.filter(
    (one, at) =>
      at === found.findIndex((b) => b.passageId === one.passageId && b.quote === one.quote),
  );
  const short = text.trim().slice(0, MAX.textChars).toWellFormed();
  return { text: short, citations: different.slice(0, MAX.citations) };
}

/**
 * The quote as it stands in the text; undefined when it does not, or says too little to be one. Only blanks may differ, since
 * PDF breaks lines anywhere and models do not.
 */
export function locate(text: string, quote: string): string | undefined {
  // Where it was cut there may be half a character. Of any other half, nobody knows which one it was to be.
  const wanted = quote.replace(/[\ud800-\udbff]$/, "").trim();
  if (!wanted.isWellFormed()) return undefined;
  if (terms(wanted).length < MIN_QUOTE_TERMS) return undefined;
  if (text.includes(wanted)) return wanted;
  const words = wanted.split(/\s+/).map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(words.join("\\s+")).exec(text)?.[0];
}
