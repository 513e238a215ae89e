import { USER } from "../bodies/account.ts";
import { type Route, route } from "../http/route.ts";

export const account: Route[] = [
  route("GET /v2/user", async ({ service }) => ({
    data: {
      user: {
        ...{ ...USER, avatar: null, limited: true },
        defaultTeamId: service.options.teamId ?? null,
      },
    },
  })),
];
