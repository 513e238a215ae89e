import type { Variable } from "../store/variables.ts";
import { USER } from "./account.ts";

/** A variable as lists show it: the value only of one that is plain, as Vercel shows no other without being asked to decrypt it. */
export function variableBody({ id, key, value, type, target, comment, ...at }: Variable) {
  return {
    ...{ id, key, type, target, value: type === "plain" ? value : "", comment: comment ?? "" },
    ...{ createdAt: at.created_at, updatedAt: at.updated_at, createdBy: USER.id },
    ...{ gitBranch: undefined, configurationId: null, decrypted: false, securityIssues: [] },
  };
}
