import { randomBytes, randomInt } from "node:crypto";

const ADJECTIVES = ["bold", "calm", "cool", "late", "quiet", "shiny", "wild", "winter"];
const NOUNS = ["bird", "boat", "cloud", "field", "forest", "river", "sun", "wind"];

/** In the form of Neon's ids: `cool-bird-12345678`. */
function threeParts(): string {
  const one = (words: readonly string[]) => words[randomInt(words.length)];
  return `${one(ADJECTIVES)}-${one(NOUNS)}-${randomInt(10_000_000, 100_000_000)}`;
}

/** What databases and roles of one server's projects begin with: the cluster is shared by all that is local. */
export function beginnings(tag: string): { database: string; role: string } {
  return { database: `neondb_${tag}_`, role: `neondb_owner_${tag}_` };
}

/** Names for everything of a new project. At Neon the database is `neondb`: there each project has its own cluster. */
export function newNames(tag: string) {
  const begin = beginnings(tag);
  const end = randomBytes(5).toString("hex");
  return {
    id: threeParts(),
    branch_id: `br-${threeParts()}`,
    endpoint_id: `ep-${threeParts()}`,
    database: `${begin.database}${end}`,
    role: `${begin.role}${end}`,
    password: `npg_${randomBytes(18).toString("base64url")}`,
  };
}

/** In the form of Neon's keys. */
export function newApiKey(): string {
  return `napi_${randomBytes(32).toString("hex")}`;
}

export function newTag(): string {
  return randomBytes(3).toString("hex");
}
