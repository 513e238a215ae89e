export * from "./schema/audit.ts";
export * from "./schema/chat.ts";
export * from "./schema/delivery.ts";
export * from "./schema/effects.ts";
export * from "./schema/files.ts";
export * from "./schema/models.ts";
export * from "./schema/projects.ts";
export * from "./schema/runs.ts";
