// The ten tasks of docs/api-guide.md with a client that openapi-typescript and openapi-fetch make.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { env: Record<string, string | undefined>; getBuiltinModule(name: "fs"): { readFileSync(path: string, encoding: "utf8"): string } };

const base = process.env["API"] ?? "http://127.0.0.1:8080";

/** The data of a response that must be successful. */
function ok<T>(result: { data?: T; error?: unknown; response: Response }): T {
  if (!result.response.ok || result.data === undefined) {
    throw new Error(`${result.response.status} ${result.response.url}: ${JSON.stringify(result.error)}`);
  }
  return result.data;
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`failed: ${what}`);
}

// 1 Sign up, sign in.
const anonymous = createClient<paths>({ baseUrl: base });
const password = "a long password";
const account = ok(
  await anonymous.POST("/api/v1/auth/register", {
    body: { username: "ada", email: "ada@example.org", password, role: "organizer" },
  }),
);
check(account.user.role === "organizer", "the role is the one that was chosen");
const tokens = ok(await anonymous.POST("/api/v1/auth/login", { body: { login: "ada", password } }));
const api = createClient<paths>({ baseUrl: base, headers: { Authorization: `Bearer ${tokens.access_token}` } });
ok(await api.POST("/api/v1/me/tokens", { body: { name: "nightly", scopes: ["read"] } }));

// 2 A calendar, and an event that recurs.
const calendar = ok(await api.POST("/api/v1/calendars", { body: { name: "Choir", time_zone: "Europe/Zurich" } }));
const rehearsal = {
  calendar_id: calendar.id,
  title: "Rehearsal",
  start: "2027-03-22T19:30:00",
  end: "2027-03-22T21:00:00",
  recurrence: ["RRULE:FREQ=WEEKLY;BYDAY=MO"],
};
const key = { params: { header: { "Idempotency-Key": "the rehearsal" } } };
const created = await api.POST("/api/v1/events", { ...key, body: rehearsal });
const event = ok(created);
check(created.response.headers.get("Location")?.endsWith(event.id) === true, "Location names the event");
const repeated = ok(await api.POST("/api/v1/events", { ...key, body: rehearsal }));
check(repeated.id === event.id, "a retry has no second effect");

// 3 What is on this month.
const month = ok(
  await api.GET("/api/v1/events", {
    params: { query: { from: "2027-03-01T00:00:00Z", to: "2027-04-01T00:00:00Z", expand: true, calendar_id: calendar.id } },
  }),
);
check(month.items.length === 2 && month.next_cursor === null, "two rehearsals in March");

// 4 One date, the rest, or all.
const instance = (original_start: string) => ({ path: { id: event.id, original_start } });
const moved = ok(
  await api.PATCH("/api/v1/events/{id}/instances/{original_start}", {
    params: instance("20270329T193000"),
    body: { location: "Town hall" },
  }),
);
check(moved.location === "Town hall", "one date is elsewhere");
const cancelled = await api.DELETE("/api/v1/events/{id}/instances/{original_start}", { params: instance("20270405T193000") });
check(cancelled.response.status === 204, "one date is cancelled");
const rest = ok(
  await api.PATCH("/api/v1/events/{id}/instances/{original_start}", {
    params: { ...instance("20270503T193000"), query: { scope: "following" } },
    body: { start: "2027-05-03T20:00:00", end: "2027-05-03T21:30:00" },
  }),
);
check(rest.id !== event.id, "the rest is a series of its own");
const one = { path: { id: event.id } };
ok(await api.PATCH("/api/v1/events/{id}", { params: one, body: { title: "Choir rehearsal" } }));

// 5 Two people editing.
const stale = await api.PATCH("/api/v1/events/{id}", {
  params: { ...one, header: { "If-Match": '"1"' } },
  body: { title: "Mine" },
});
check(stale.response.status === 412 && stale.error !== undefined && stale.error.status === 412, "an old version is refused");
const merged = ok(
  await api.PATCH("/api/v1/events/{id}", { params: one, body: { base_version: 1, description: "Bring your music" } }),
);
check(merged.title === "Choir rehearsal", "both changes stay");
const etag = (await api.GET("/api/v1/events/{id}", { params: one })).response.headers.get("ETag") ?? "";
const known = await api.GET("/api/v1/events/{id}", { params: { ...one, header: { "If-None-Match": etag } } });
check(known.response.status === 304, "a known event is not sent again");

// 6 Share.
const shared = ok(
  await api.POST("/api/v1/calendars/{id}/share", {
    params: { path: { id: calendar.id } },
    body: { users: [{ username: "alice", role: "viewer" }] },
  }),
);
check(shared.items.some((permission) => permission.username === "alice" && permission.role === "viewer"), "Alice views");

// 7 No double booking.
const room = ok(await api.POST("/api/v1/venues", { body: { name: "Aula", conflicts: "reject" } }));
ok(
  await api.POST("/api/v1/events", {
    body: { title: "Play", venue_id: room.id, start: "2027-06-01T18:00:00", end: "2027-06-01T20:00:00" },
  }),
);
const refused = await api.POST("/api/v1/events", {
  body: { title: "Debate", venue_id: room.id, start: "2027-06-01T19:00:00", end: "2027-06-01T21:00:00" },
});
const problem = refused.error;
check(problem !== undefined && "conflicts" in problem && problem.conflicts[0]?.title === "Play", "the play is in the way");

// 8 Move in: import an .ics file.
const file = process.getBuiltinModule("fs").readFileSync(process.env["SAMPLE"] ?? "samples/public-holidays.ics", "utf8");
let job = ok(
  await api.POST("/api/v1/imports", {
    body: { file, profile: "ics", calendar_id: calendar.id, dry_run: "false" },
    bodySerializer: (body) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(body ?? {})) {
        if (name === "file") form.append(name, new Blob([String(value)], { type: "text/calendar" }), "holidays.ics");
        else form.append(name, String(value));
      }
      return form;
    },
  }),
);
for (let tries = 0; job.state === "queued" || job.state === "running"; tries++) {
  check(tries < 300, "the import ends");
  await new Promise((done) => setTimeout(done, 100));
  job = ok(await api.GET("/api/v1/jobs/{id}", { params: { path: { id: job.id } } }));
}
check(job.result !== null && "created" in job.result && job.result.created > 0, "events were created");
const undone = await api.DELETE("/api/v1/jobs/{id}", { params: { path: { id: job.id } } });
check(undone.response.ok, "the import is undone");

// 9 On the phone: a feed, and a share link.
const feed = ok(await api.POST("/api/v1/me/feeds", { body: { name: "Phone" } }));
check((await (await fetch(base + new URL(feed.url).pathname)).text()).startsWith("BEGIN:VCALENDAR"), "the feed is a calendar");
const link = ok(await api.POST("/api/v1/share-links", { body: { event_ids: [event.id], name: "Our concerts" } }));
check(link.url.length > 0, "the link has an address");

// 10 Who changed what, and undo.
const history = ok(await api.GET("/api/v1/events/{id}/history", { params: one }));
check(history.items[0]?.actor?.name === "ada", "Ada changed it");
const diff = ok(await api.GET("/api/v1/events/{id}/diff/{v1}/{v2}", { params: { path: { id: event.id, v1: 1, v2: 2 } } }));
check(diff.to === 2, "two versions are compared");
const back = ok(
  await api.POST("/api/v1/events/{id}/rollback/{version}", { params: { path: { id: event.id, version: 1 } }, body: {} }),
);
check(back.title === "Rehearsal", "the first title is back");

const gone = await api.POST("/api/v1/auth/logout", { body: {} });
check(gone.response.status === 204, "an empty object is an empty body");
console.log("ten tasks done");
