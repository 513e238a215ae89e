/** A part of an artifact: what is to be in it, and what to look for in the project's documents. */
export interface Section {
  /** Stable name in steps and metadata. */
  readonly id: string;
  readonly heading: string;
  /** What the section has to say, for whoever writes it. */
  readonly guidance: string;
  /** What is searched for, besides the brief. */
  readonly queries: readonly string[];
}

export interface Template {
  readonly title: string;
  readonly sections: readonly Section[];
}

/** What a research run writes when nothing else is asked for. */
export const DEFAULT_KINDS = ["PRD", "ARCHITECTURE_OVERVIEW", "SECURITY_MODEL", "ROADMAP"] as const;

/** The kinds that can be asked for: the default ones, and decisions and specifications by name (`ADR_0007_STORAGE`). */
export const KIND =
  /^(?:PRD|ARCHITECTURE_OVERVIEW|SECURITY_MODEL|ROADMAP|(?:ADR|SPEC)_[A-Z0-9_]{1,60})$/;

/** What a run has shipped, written once for each of its ends; its logical key is the run's id, as of the next. */
export const PROVENANCE_KIND = "DEPLOYMENT_PROVENANCE";

/** Where the audit bundle of a run's end is, and its hash. */
export const BUNDLE_KIND = "IMPLEMENTATION_AUDIT_BUNDLE";

/** The logical key of a kind that a project has one of. */
export const MAIN = "main";

/** The sections of an artifact of this kind, which matches {@link KIND}. Throws RangeError for another. */
export function templateOf(kind: string): Template {
  const template = TEMPLATES[kind];
  if (template) return template;
  const [, family = "", name = ""] = /^(ADR|SPEC)_(.+)$/.exec(kind) ?? [];
  const named = NAMED[family];
  if (!named) throw new RangeError(`there is no template for artifacts of kind ${kind}`);
  const topic = name
    .replaceAll("_", " ")
    .replace(/^[0-9]+ /, "")
    .toLowerCase();
  return {
    title: `${named.title}: ${name.replaceAll("_", " ")}`,
    sections: named.sections.map((section) => ({
      ...section,
      queries: section.queries.map((query) => `${topic} ${query}`),
    })),
  };
}

const section = (id: string, heading: string, guidance: string, ...queries: string[]): Section => ({
  id,
  heading,
  guidance,
  queries,
});

const TEMPLATES: Readonly<Record<string, Template>> = {
  PRD: {
    title: "Product requirements",
    sections: [
      section(
        "purpose",
        "Purpose",
        "What the product is and which problem it solves.",
        "purpose and overview of the product",
        "problem that is solved for customers",
      ),
      section(
        "users",
        "Users",
        "Who uses it, in which roles and situations.",
        "users, customers, operators and their roles",
        "how the product is used day to day",
      ),
      section(
        "requirements",
        "Requirements",
        "What it must do, each requirement by itself.",
        "required features and functions",
        "the device must, shall, has to",
      ),
      section(
        "constraints",
        "Constraints",
        "Limits that are given: physical, legal, price, compatibility.",
        "limits, restrictions and conditions of use",
        "price, cost and contract terms",
      ),
      section(
        "success",
        "Measures of success",
        "How anybody can tell that it works.",
        "targets, metrics and acceptance",
        "known problems and incidents",
      ),
    ],
  },
  ARCHITECTURE_OVERVIEW: {
    title: "Architecture overview",
    sections: [
      section(
        "context",
        "Context",
        "What surrounds the system and what it talks to.",
        "system overview and environment",
        "external systems and interfaces",
      ),
      section(
        "components",
        "Components",
        "The parts and what each is responsible for.",
        "components, modules and their tasks",
        "hardware and software parts",
      ),
      section(
        "data",
        "Data",
        "Which data there is, where it is kept and how it moves.",
        "data storage, buffer, telemetry and transmission",
        "measurement data and formats",
      ),
      section(
        "operation",
        "Operation",
        "How it is installed, run and maintained.",
        "installation, configuration and maintenance",
        "monitoring and recovery after failure",
      ),
      section(
        "quality",
        "Qualities",
        "Performance, availability and how they are reached.",
        "performance, reliability and availability",
        "capacity, limits and timing",
      ),
    ],
  },
  SECURITY_MODEL: {
    title: "Security model",
    sections: [
      section(
        "assets",
        "Assets",
        "What has to be protected.",
        "sensitive data and assets to protect",
        "accounts, keys and access",
      ),
      section(
        "threats",
        "Threats and findings",
        "What can go wrong, and what was found already.",
        "security findings, weaknesses and risks",
        "attack, threat and vulnerability",
      ),
      section(
        "controls",
        "Controls",
        "What protects the assets.",
        "authentication, authorisation and encryption",
        "security measures and recommendations",
      ),
      section(
        "response",
        "Response",
        "What is done when something happened.",
        "incident response and reporting",
        "what happened during the incident and what followed",
      ),
    ],
  },
  ROADMAP: {
    title: "Roadmap",
    sections: [
      section(
        "now",
        "Where it stands",
        "What is there today.",
        "current state and released versions",
        "release notes and recent changes",
      ),
      section(
        "next",
        "Next steps",
        "What is planned, in which order and when.",
        "plans, launch dates and milestones",
        "upcoming work and schedule",
      ),
      section(
        "risks",
        "Risks and dependencies",
        "What the plan depends on and what could delay it.",
        "risks, dependencies and open questions",
        "problems that need to be fixed",
      ),
    ],
  },
};

const NAMED: Readonly<Record<string, Template>> = {
  ADR: {
    title: "Decision",
    sections: [
      section(
        "context",
        "Context",
        "Which forces and facts make a decision necessary.",
        "background and reasons",
      ),
      section(
        "decision",
        "Decision",
        "What the documents decide or recommend.",
        "decision, choice and recommendation",
      ),
      section(
        "alternatives",
        "Alternatives",
        "What else was possible.",
        "alternatives and comparison",
      ),
      section(
        "consequences",
        "Consequences",
        "What follows from it, good and bad.",
        "consequences, cost and risk",
      ),
    ],
  },
  SPEC: {
    title: "Specification",
    sections: [
      section("scope", "Scope", "What is specified and what is not.", "scope and purpose"),
      section(
        "behaviour",
        "Behaviour",
        "What it does, step by step.",
        "behaviour, procedure and steps",
      ),
      section(
        "interfaces",
        "Interfaces",
        "What goes in and out.",
        "interface, input, output and format",
      ),
      section(
        "acceptance",
        "Acceptance",
        "How it is checked.",
        "test, check and acceptance limits",
      ),
    ],
  },
};
