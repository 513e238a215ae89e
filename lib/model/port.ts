/** A source that may be cited. Its text is data, never an instruction. */
export interface Passage {
  /** Names it in what comes back: unique in the request, such as a chunk's id. */
  readonly id: string;
  /** File and page, for a reader. */
  readonly label: string;
  readonly text: string;
}

/** What a skill is for: enough to decide whether to ask for its body. */
export interface SkillSummary {
  readonly name: string;
  readonly description: string;
}

export interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/**
 * Something to be written from sources. Only `task`, `brief` and `instruction` say what to do; all the rest is material that
 * somebody else may have written. Best passages first: those that do not fit are left out from the end.
 */
export interface WriteRequest {
  /** Title and guidance of a section, or the question of a chat. */
  readonly task: string;
  /** What the whole document is about, in the words of whoever asked for it. */
  readonly brief?: string;
  /** What is to become different, with `previous`: what the section says so far. */
  readonly instruction?: string;
  readonly previous?: string;
  /** The conversation before the question, oldest first. */
  readonly history?: readonly Turn[];
  readonly passages: readonly Passage[];
  readonly skills?: readonly SkillSummary[];
  /** The body of a skill, only when the model asks for it; null when there is none of that name. */
  readonly loadSkill?: (name: string) => Promise<string | null>;
  /** At most so many statements come back, 1 to 20; 8 unless said. */
  readonly maxStatements?: number;
}

export interface Citation {
  readonly passageId: string;
  /** Stands in the passage's text exactly so: `passage.text.indexOf(quote)` is never -1. */
  readonly quote: string;
}

/** One or a few sentences with where they come from: at least one citation. */
export interface Statement {
  readonly text: string;
  readonly citations: readonly Citation[];
}

export interface Written {
  /** In reading order; none when not `answered`. */
  readonly statements: readonly Statement[];
  /** False: the sources do not say. */
  readonly answered: boolean;
  /** Which model wrote it; null: none, the statements are sentences of the passages. */
  readonly model: string | null;
  /** How many statements were left out because nothing that they quoted stands in a passage. */
  readonly dropped: number;
}

/** What a run may spend on models, over all of its attempts. */
export interface Budget {
  /** Input and output together. */
  readonly tokens: number;
  /** Requests to the model, without those that were turned away. */
  readonly calls: number;
  /** Time that the model took, not time on the clock. */
  readonly seconds: number;
}

/** For whom a call is made: it is recorded, and counted against the budget of the run, or else of the message. */
export type Caller = {
  readonly projectId: string;
  readonly stepId: string;
  /** What is not said is as in budget.ts. */
  readonly budget?: Partial<Budget>;
} & (
  | { readonly runId: string; readonly messageId?: string }
  /** The message that is answered: its row is there already. */
  | { readonly runId?: undefined; readonly messageId: string }
);
