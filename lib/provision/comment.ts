/** Where the value of a variable came from: kept as its comment at Vercel, where a person can read it too. */
export interface Source {
  /** Of the effect that wrote it. */
  readonly marker: string;
  /** `neon.project`, the resource's id at its provider, and which part of it. */
  readonly type: string;
  readonly externalId: string;
  readonly part: string;
}

const COMMENT = /^Set by Countersign \((\S+)\) from (\S+) (\S+) (\S+)$/;

export function commentOf({ marker, type, externalId, part }: Source): string {
  return `Set by Countersign (${marker}) from ${type} ${externalId} ${part}`;
}

/** Null for a comment that is not one of ours. */
export function sourceOf(comment: string | null): Source | null {
  const [, marker, type, externalId, part] = COMMENT.exec(comment ?? "") ?? [];
  if (!marker || !type || !externalId || !part) return null;
  return { marker, type, externalId, part };
}
