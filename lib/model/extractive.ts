import { statementLimit } from "./limits.ts";
import type { Passage, Statement, WriteRequest, Written } from "./port.ts";
import { sentences } from "./sentences.ts";
import { isPair, terms } from "./terms.ts";

/** What is looked at: retrieval gives far less. */
const MAX_PASSAGES = 60;
const MAX_PASSAGE_CHARS = 20_000;
/** With fewer different terms a line is a label, not a sentence. */
const MIN_TERMS = 3;
/** A sentence that shares so much with one already taken says nothing new. */
const SAME = 0.7;
/** What a term is still worth when a sentence with it was taken, and a sentence when its passage has given one. */
const AGAIN = 0.35;
const SAME_PASSAGE = 0.75;
/**
 * A question means all of its terms; a task with a brief, or more terms than this, lists what may be said. So a question is answered only
 * by a sentence with this part of its weight, and what comes after the best sentence must be worth this part of it.
 */
const QUESTION_TERMS = 8;
const QUESTION = { shared: 2, coverage: 0.25, worth: 0.3 };
const TASK = { shared: 1, coverage: 0, worth: 0.2 };
/** Passages come best first: one so many places further down counts half. */
const HALF_RANK = 12;

type Weights = ReadonlyMap<string, number>;

interface Sentence {
  readonly passage: number;
  readonly start: number;
  readonly text: string;
  readonly terms: ReadonlySet<string>;
}

/**
 * Writes without a model: takes the sentences that answer the task best, as they stand, each one a statement with itself as
 * its quote. Pure: the same request gives the same statements on any machine. A term counts for more the rarer it is among
 * the passages and the further in front its passage is; several passages are preferred to one; what is said already is left
 * out. Not `answered` when no passage is about what is asked.
 */
export function writeExtractive(request: WriteRequest): Written {
  const passages = request.passages.slice(0, MAX_PASSAGES);
  const wanted = wantedTerms(request);
  const rule = request.brief || asked(wanted).length > QUESTION_TERMS ? TASK : QUESTION;
  const candidates = passages.flatMap((passage, index) =>
    aboutIt(passage, wanted, rule.shared) ? sentencesOf(passage, index) : [],
  );
  const weights = weigh(wanted, candidates);
  const chosen = choose(toThePoint(candidates, wanted), {
    weights,
    rule,
    most: statementLimit(request),
  })
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

/** The terms of what is asked itself. */
function asked(wanted: ReadonlyMap<string, number>): string[] {
  return [...wanted].filter(([, weight]) => weight === 1).map(([term]) => term);
}

/** Whether a passage shares as many terms as it has to: of a question its own, of a task also those of the brief. */
function aboutIt(
  { label, text }: Passage,
  wanted: ReadonlyMap<string, number>,
  shared: number,
): boolean {
  const present = new Set(terms(`${label} ${text.slice(0, MAX_PASSAGE_CHARS)}`));
  const looked = shared === TASK.shared ? [...wanted.keys()] : asked(wanted);
  const found = looked.filter((term) => present.has(term)).length;
  return found > 0 && found >= Math.min(shared, looked.length);
}

function sentencesOf({ text }: Passage, passage: number): Sentence[] {
  const inside = text.slice(0, MAX_PASSAGE_CHARS);
  return sentences(inside).flatMap(({ start, end }): Sentence[] => {
    const sentence = inside.slice(start, end);
    const about = new Set(terms(sentence));
    return about.size < MIN_TERMS ? [] : [{ passage, start, text: sentence, terms: about }];
  });
}

/** The sentences with a term of what is asked; only when there is none, those with one of the brief. */
function toThePoint(
  candidates: readonly Sentence[],
  wanted: ReadonlyMap<string, number>,
): readonly Sentence[] {
  const having = (least: number) =>
    candidates.filter(({ terms }) => [...terms].some((term) => (wanted.get(term) ?? 0) >= least));
  const direct = having(1);
  return direct.length > 0 ? direct : having(Number.MIN_VALUE);
}

/** Each term of the request by its rarity: one that is in every sentence tells nothing. */
function weigh(wanted: ReadonlyMap<string, number>, sentences: readonly Sentence[]): Weights {
  const weights = new Map<string, number>();
  for (const [term, weight] of wanted) {
    const having = sentences.filter(({ terms }) => terms.has(term)).length;
    const rarity = Math.log(1 + (sentences.length + 1) / (having + 1));
    weights.set(term, having === 0 && isPair(term) ? 0 : weight * rarity);
  }
  return weights;
}

/** Takes the best again and again, each time by what it adds to those taken. */
function choose(
  candidates: readonly Sentence[],
  { weights, rule, most }: { weights: Weights; rule: typeof QUESTION; most: number },
): Sentence[] {
  const taken: Sentence[] = [];
  const said = new Set<string>();
  let left = candidates;
  if (!left.some((sentence) => coverage(sentence, weights) >= rule.coverage)) return [];
  let first = 0;
  while (taken.length < most) {
    let best: { sentence: Sentence; worth: number } | undefined;
    for (const sentence of left) {
      const worth = worthOf(sentence, weights, said, taken);
      // Strictly: of two alike the one that comes first.
      if (!best || worth > best.worth) best = { sentence, worth };
    }
    if (!best || best.worth < first * rule.worth) break;
    first ||= best.worth;
    const { sentence } = best;
    taken.push(sentence);
    for (const term of sentence.terms) said.add(term);
    left = left.filter((other) => similarity(other.terms, sentence.terms) < SAME);
  }
  return taken;
}

/** The part of what is asked, by weight, that a sentence has. */
function coverage({ terms }: Sentence, weights: Weights): number {
  let all = 0;
  let here = 0;
  for (const [term, weight] of weights) {
    all += weight;
    if (terms.has(term)) here += weight;
  }
  return here / (all || 1);
}

function worthOf(
  { terms, text, passage }: Sentence,
  weights: Weights,
  said: ReadonlySet<string>,
  taken: readonly Sentence[],
): number {
  let worth = 0;
  for (const term of terms) worth += (weights.get(term) ?? 0) * (said.has(term) ? AGAIN : 1);
  // A long sentence has more terms by chance.
  const length = 1 / (1 + Math.max(0, terms.size - 12) / 40);
  const whole = /[.!?。！？｡:;|]["')\]”’」』）]*$/u.test(text) ? 1 : 0.7;
  const again = SAME_PASSAGE ** taken.filter((other) => other.passage === passage).length;
  return worth * length * whole * again * (HALF_RANK / (HALF_RANK + passage));
}

/** Jaccard: shared terms by all terms. */
function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const term of a) if (b.has(term)) shared++;
  return shared / (a.size + b.size - shared || 1);
}
