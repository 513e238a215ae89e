import { statementLimit } from "./limits.ts";
import type { Passage, Statement, WriteRequest, Written } from "./port.ts";
import { sentences } from "./sentences.ts";
import { terms } from "./terms.ts";

/** What is looked at: retrieval gives far less. */
const MAX_PASSAGES = 100;
const MAX_PASSAGE_CHARS = 50_000;
/** With fewer different terms a line is a label, not a sentence. */
const MIN_TERMS = 3;
/** A sentence that shares so much with one already taken says nothing new. */
const SAME = 0.7;
/** What a term is still worth when a sentence with it was taken, and a sentence when its passage has given one. */
const AGAIN = 0.35;
const SAME_PASSAGE = 0.75;
/** Sentences that are worth less than this part of the best one are left out. */
const WORTH = 0.3;

interface Sentence {
  readonly passage: number;
  readonly start: number;
  readonly text: string;
  readonly terms: ReadonlySet<string>;
}

/**
 * Writes without a model: takes the sentences that answer the task best, as they stand, each one a statement with itself as
 * its quote. Pure: the same request gives the same statements on any machine. A term counts for more the rarer it is among
 * the passages; several passages are preferred to one; what is said already is left out. Not `answered` when no passage has
 * two terms of the task (or the only one).
 */
export function writeExtractive(request: WriteRequest): Written {
  const passages = request.passages.slice(0, MAX_PASSAGES);
  const wanted = wantedTerms(request);
  const candidates = passages.flatMap((passage, index) => candidatesOf(passage, index, wanted));
  const chosen = choose(candidates, weigh(wanted, candidates), statementLimit(request))
    // In reading order: as the passages came, and inside one as it is written.
    .sort((a, b) => a.passage - b.passage || a.start - b.start);
  const statements = chosen.flatMap(({ passage, text }): Statement[] => {
    const source = passages[passage];
    return source ? [{ text, citations: [{ passageId: source.id, quote: text }] }] : [];
  });
  return { statements, answered: statements.length > 0, model: null, dropped: 0 };
}

/** How much each term of the request counts. What it is about in general counts half: every section has the same brief. */
function wantedTerms({ task, instruction, brief, history }: WriteRequest): Map<string, number> {
  const before = history?.findLast(({ role }) => role === "user")?.content ?? "";
  const wanted = new Map<string, number>();
  for (const term of terms(`${task} ${instruction ?? ""}`)) wanted.set(term, 1);
  for (const term of terms(`${brief ?? ""} ${before}`)) {
    if (!wanted.has(term)) wanted.set(term, 0.5);
  }
  return wanted;
}

/** The sentences of a passage that could be taken; none when the passage is about something else. */
function candidatesOf(
  passage: Passage,
  index: number,
  wanted: ReadonlyMap<string, number>,
): Sentence[] {
  const text = passage.text.slice(0, MAX_PASSAGE_CHARS);
  const asked = [...wanted].filter(([, weight]) => weight === 1).map(([term]) => term);
  const present = new Set(terms(`${passage.label} ${text}`));
  const shared = asked.filter((term) => present.has(term)).length;
  if (shared < Math.min(2, asked.length) || shared === 0) return [];
  return sentences(text).flatMap(({ start, end }): Sentence[] => {
    const sentence = text.slice(start, end);
    const about = new Set(terms(sentence));
    return about.size < MIN_TERMS ? [] : [{ passage: index, start, text: sentence, terms: about }];
  });
}

/** Each term of the request by its rarity: one that is in every sentence tells nothing. */
function weigh(
  wanted: ReadonlyMap<string, number>,
  sentences: readonly Sentence[],
): Map<string, number> {
  const weights = new Map<string, number>();
  for (const [term, weight] of wanted) {
    const having = sentences.filter(({ terms }) => terms.has(term)).length;
    weights.set(term, weight * Math.log(1 + (sentences.length + 1) / (having + 1)));
  }
  return weights;
}

/** Takes the best again and again, each time by what it adds to those taken. */
function choose(
  candidates: readonly Sentence[],
  weights: ReadonlyMap<string, number>,
  most: number,
): Sentence[] {
  const taken: Sentence[] = [];
  const said = new Set<string>();
  let left = candidates.filter(({ terms }) => [...terms].some((term) => weights.has(term)));
  let first = 0;
  while (taken.length < most) {
    let best: { sentence: Sentence; worth: number } | undefined;
    for (const sentence of left) {
      const worth = worthOf(sentence, weights, said, taken);
      // Strictly: of two alike the one that comes first.
      if (!best || worth > best.worth) best = { sentence, worth };
    }
    if (!best || best.worth < first * WORTH) break;
    first ||= best.worth;
    const { sentence } = best;
    taken.push(sentence);
    for (const term of sentence.terms) said.add(term);
    left = left.filter((other) => similarity(other.terms, sentence.terms) < SAME);
  }
  return taken;
}

function worthOf(
  { terms, text, passage }: Sentence,
  weights: ReadonlyMap<string, number>,
  said: ReadonlySet<string>,
  taken: readonly Sentence[],
): number {
  let worth = 0;
  for (const term of terms) worth += (weights.get(term) ?? 0) * (said.has(term) ? AGAIN : 1);
  // A long sentence has more terms by chance.
  const length = 1 / (1 + Math.max(0, terms.size - 12) / 40);
  const whole = /[.!?。！？｡:;|]["')\]”’」』）]*$/u.test(text) ? 1 : 0.7;
  const again = SAME_PASSAGE ** taken.filter((other) => other.passage === passage).length;
  return worth * length * whole * again;
}

/** Jaccard: shared terms by all terms. */
function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const term of a) if (b.has(term)) shared++;
  return shared / (a.size + b.size - shared || 1);
}
