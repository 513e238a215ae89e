import * as z from "zod";
import type { Artifact } from "../data/artifacts.server.ts";
import { inline } from "../markdown.ts";
import { redactText } from "../redact.ts";
import { type Pinned, placeOf } from "../retrieval/citations.ts";
import { codePlace } from "../retrieval/code.ts";
import type { CheckedSection, Cited } from "./draft.ts";
import type { Template } from "./kinds.ts";

/** What an artifact says about itself beside its text. */
const metadataSchema = z.object({
  title: z.string(),
  model: z.string().nullable(),
  /** Where each section's text is in the content, in UTF-16 units. */
  sections: z.array(
    z.object({ id: z.string(), heading: z.string(), start: z.int(), end: z.int() }),
  ),
});

export type ArtifactMetadata = z.infer<typeof metadataSchema>;

export interface Composed {
  readonly content: string;
  readonly metadata: ArtifactMetadata;
  /** In the order of their numbers in the text, from 1. */
  readonly citations: readonly Cited[];
}

/** What stands where the sources say nothing. */
export const UNANSWERED = "The project's documents do not answer this.";
const EXTRACTIVE =
  "No language model was used: every sentence below is quoted from the source that it names.";
/** A quote in the list of sources is shown to be recognised; the whole one is in the citation. */
const MAX_SHOWN_QUOTE = 200;

/**
 * The artifact as Markdown: sections with numbered citations, and the list of sources. Depends on nothing but what goes in,
 * so that the same findings are the same bytes, and no new version. What looks like a secret is redacted, before anybody counts
 * where a section begins; of statements nothing is, since the check has withheld those that hold one. `instruction`: what was to
 * become different.
 */
export function compose(
  template: Template,
  checked: readonly CheckedSection[],
  instruction?: string,
): Composed {
  const numbers = new Numbers<Cited>();
  // Several when MODEL became another one while the run was under way.
  const models = [...new Set(checked.flatMap((section) => section.model ?? []))];
  const model = models.length === 0 ? null : models.join(", ");
  const origin =
    model === null
      ? EXTRACTIVE
      : `Written by ${models.length > 1 ? "the language models" : "the language model"} ${model}; every sentence cites the sources that it is taken from.`;
  // Without a model an instruction has a say in which sentences are taken, and changes none.
  const changed = instruction !== undefined && model !== null;
  const about = changed ? [`> Changed as asked: ${inline(instruction)}`, ""] : [];
  const title = redactText(template.title);
  // On one line an instruction can look like what it did not when it was kept.
  let content = redactText([`# ${title}`, "", `> ${origin}`, "", ...about, ""].join("\n"));
  const sections: ArtifactMetadata["sections"] = [];
  for (const { id, heading } of template.sections) {
    const statements = checked.find((section) => section.id === id)?.statements ?? [];
    content += `## ${heading}\n\n`;
    const start = content.length;
    content +=
      statements.length === 0
        ? UNANSWERED
        : statements.map((one) => numbers.line(one.text, one.citations)).join("\n\n");
    sections.push({ id, heading, start, end: content.length });
    content += "\n\n";
  }
  content += redactText(["## Sources", "", ...numbers.citations.map(source), ""].join("\n"));
  return {
    content,
    metadata: { title, model, sections },
    citations: numbers.citations,
  };
}

/** The sections of a published artifact, with where their text begins in its content; none of one that was not composed here, such as a plan. */
export function sectionsOf(
  artifact: Artifact,
): { id: string; heading: string; start: number; text: string }[] {
  const metadata = metadataSchema.safeParse(artifact.metadata);
  return (metadata.data?.sections ?? []).map(({ id, heading, start, end }) => ({
    ...{ id, heading, start },
    text: artifact.content.slice(start, end),
  }));
}

/** What the index has of a section: it is found by that, and known again. */
export function indexedText(
  { metadata }: Pick<Artifact, "metadata">,
  { heading, text }: { heading: string; text: string },
): string {
  return `${metadata.title} > ${heading}\n\n${text}`;
}

/** A section's text in a published artifact; empty when it has no such section. */
export function sectionText(artifact: Artifact, id: string): string {
  return sectionsOf(artifact).find((section) => section.id === id)?.text ?? "";
}

/** Gives each place that is cited one number, in the order in which the text comes to it. */
export class Numbers<T extends Pinned> {
  readonly citations: T[] = [];
  readonly #known = new Map<string, number>();

  /** A statement on one line, with the numbers of what it cites. */
  line(text: string, citations: readonly T[]): string {
    const marks = [...new Set(citations.map((citation) => this.#of(citation)))];
    return `${inline(text)} ${marks.map((number) => `[${number}]`).join("")}`;
  }

  #of(citation: T): number {
    const key = JSON.stringify(citation);
    const number = this.#known.get(key) ?? this.citations.push(citation);
    this.#known.set(key, number);
    return number;
  }
}

function source(citation: Cited, index: number): string {
  const { quote } = citation;
  // Cut between characters, never through one.
  const shown =
    quote.length > MAX_SHOWN_QUOTE
      ? `${quote
          .slice(0, MAX_SHOWN_QUOTE)
          .toWellFormed()
          .replace(/\uFFFD$/, "")}…`
      : quote;
  return `${index + 1}. ${inline(placeIn(citation))}: “${inline(shown)}”`;
}

/** Of code with its commit: lines move. */
function placeIn(citation: Cited): string {
  if (!("codePath" in citation)) return placeOf(citation);
  const { codePath: path, commitSha } = citation;
  return `${codePlace({ ...citation, path })} at ${commitSha.slice(0, 12)}`;
}
