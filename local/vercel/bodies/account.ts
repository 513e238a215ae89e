import type { Service } from "../service.ts";

/** Whose token VERCEL_TOKEN is. */
export const USER = {
  id: "usr_local",
  email: "ada@example.com",
  name: "Ada",
  username: "ada",
} as const;

/** What a resource belongs to: the team, when there is one. */
export function ownerOf({ options: { teamId } }: Service): string {
  return teamId ?? USER.id;
}
