import { USER } from "../bodies/account.ts";
import { notFound } from "../http/errors.ts";
import { param, type Route, route } from "../http/route.ts";

export const account: Route[] = [
  route("GET /v2/user", async ({ service }) => ({
    data: {
      user: {
        ...{ ...USER, avatar: null, limited: true },
        defaultTeamId: service.options.teamId ?? null,
      },
    },
  })),

  route("GET /v2/teams/{teamId}", async (call) => {
    const { teamId } = call.service.options;
    if (teamId === undefined || param(call, "teamId") !== teamId) throw notFound("Team");
    return {
      data: {
        ...{ id: teamId, slug: "local", name: "Local", avatar: null, description: null },
        ...{ creatorId: USER.id, billing: { plan: "hobby" }, stagingPrefix: "" },
        ...{ createdAt: 0, updatedAt: 0, membership: { role: "OWNER", confirmed: true } },
      },
    };
  }),
];
