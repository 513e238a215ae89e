import * as z from "zod";
import { variableBody } from "../bodies/variable.ts";
import { badRequest, notFound, notImplemented, Refusal } from "../http/errors.ts";
import { bodyOf, param, projectOf, type Route, route } from "../http/route.ts";
import { TARGETS } from "../store/variables.ts";

const TARGET = z.enum(TARGETS);
/** One target or several, each once. */
export const VARIABLE_TARGET = z
  .union([TARGET, z.array(TARGET).min(1)])
  .transform((one) => (Array.isArray(one) ? [...new Set(one)] : [one]));

const VALUE_MAX = 65_536;

export const newVariable = z.strictObject({
  key: z
    .string()
    .max(256)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "has letters, digits and underscores"),
  value: z.string().max(VALUE_MAX),
  type: z.enum(["plain", "encrypted", "sensitive"]).default("encrypted"),
  target: VARIABLE_TARGET,
  comment: z.string().max(500).nullish(),
});
const newVariables = z.union([newVariable, z.array(newVariable).min(1).max(100)]);

/** Names that Vercel sets by itself. */
const RESERVED = /^VERCEL(?:_.*)?$/;

export const environment: Route[] = [
  route("POST /v10/projects/{idOrName}/env", async (call) => {
    const { service, query } = call;
    const { id } = projectOf(call);
    const body = await bodyOf(call, newVariables);
    const many = Array.isArray(body);
    const over = query.get("upsert") === "true";
    const created: unknown[] = [];
    const failed: { error: Record<string, unknown> }[] = [];
    service.db.transaction(() => {
      for (const variable of many ? body : [body]) {
        const { key, target, comment = null } = variable;
        const refuse = (code: string, message: string) =>
          failed.push({ error: { code, message, key, envVarKey: key, target } });
        if (RESERVED.test(key)) {
          refuse("RESERVED_ENV_VARIABLE", `The name ${key} is reserved.`);
          continue;
        }
        const put = service.variables.put(id, { ...variable, comment }, over);
        if (put) created.push(variableBody(put));
        else refuse("ENV_ALREADY_EXISTS", `${key} exists for that target.`);
      }
    });
    const [first] = failed;
    if (!many && first) {
      const { code, message } = first.error;
      throw new Refusal(400, String(code), String(message));
    }
    return { status: 201, data: { created: many ? created : created[0], failed } };
  }),

  route("GET /v10/projects/{idOrName}/env", async (call) => {
    if (call.query.get("decrypt") === "true") throw notImplemented("decrypting variables");
    const { id } = projectOf(call);
    const envs = call.service.variables.ofProject(id).map(variableBody);
    return { data: { envs, pagination: { count: envs.length, next: null, prev: null } } };
  }),

  route("DELETE /v9/projects/{idOrName}/env/{id}", async (call) => {
    const { service } = call;
    const project = projectOf(call);
    const variable = service.variables.get(project.id, param(call, "id"));
    if (!variable) throw notFound("Environment variable");
    service.variables.remove(project.id, variable.id);
    return { data: variableBody(variable) };
  }),

  route("PATCH /v9/projects/{idOrName}/env/{id}", async () => {
    throw badRequest("The local Vercel changes variables by POST with upsert=true.");
  }),
];
