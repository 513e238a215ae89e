import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { createdAt, id, updatedAt } from "./columns.ts";

/** `deleting` hides a project at once, while its vectors and blobs are still being removed. */
export const projectStatus = pgEnum("project_status", ["active", "deleting"]);

export const projects = pgTable(
  "projects",
  {
    id: id(),
    ownerUserId: text("owner_user_id").notNull(),
    name: text("name").notNull(),
    slug: text("slug").notNull(),
    status: projectStatus("status").notNull().default("active"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex("projects_owner_slug_key").on(t.ownerUserId, t.slug),
    index("projects_owner_updated_idx").on(t.ownerUserId, t.updatedAt),
    // Pages of a list hang on what never changes: an update must not move a project past a reader's cursor.
    index("projects_owner_created_idx").on(t.ownerUserId, t.createdAt, t.id),
    // The sweeper's question: whose deletion has not ended.
    index("projects_deleting_idx").on(t.updatedAt).where(sql`${t.status} = 'deleting'`),
  ],
);

export const projectSkills = pgTable(
  "project_skills",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    // Generated, so that no writer can store a name that escapes the uniqueness of its normal form.
    nameNorm: text("name_norm")
      .notNull()
      .generatedAlwaysAs(sql`lower(btrim(normalize("name", NFKC)))`),
    description: text("description").notNull(),
    content: text("content").notNull(),
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [uniqueIndex("project_skills_project_name_key").on(t.projectId, t.nameNorm)],
);

/** One row per version, never changed: an approval names the version that judged it. A trigger refuses UPDATE. */
export const projectPolicies = pgTable(
  "project_policies",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    version: integer("version").notNull(),
    document: jsonb("document").$type<Record<string, unknown>>().notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    unique("project_policies_version_key").on(t.projectId, t.version),
    check("project_policies_version_check", sql`${t.version} > 0`),
  ],
);
