// rrule-temporal (npm, MIT; written on the Temporal API, not a port of dateutil) as an oracle: the same lines in and out
// as dateutil_oracle.py, without `utc`. It reckons on the wall clock of UTC, which has no gaps.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const modules = process.env.KALENDS_NODE_MODULES;
if (!modules) {
  console.error("KALENDS_NODE_MODULES is not set: npm install rrule-temporal@2 temporal-polyfill, and name that node_modules");
  process.exit(1);
}
const require = createRequire(join(modules, "oracle.cjs"));
let RRuleTemporal, version;
try {
  await import(pathToFileURL(require.resolve("temporal-polyfill/global")).href);
  ({ RRuleTemporal } = await import(pathToFileURL(require.resolve("rrule-temporal")).href));
  version = JSON.parse((await import("node:fs")).readFileSync(join(modules, "rrule-temporal", "package.json"))).version;
} catch (error) {
  console.error(`rrule-temporal and temporal-polyfill are not in ${modules}: ${error.message}`);
  process.exit(1);
}

const compact = (text) => text.replace(/[-:]/g, "").slice(0, 15);
const seconds = (text) =>
  Date.UTC(+text.slice(0, 4), +text.slice(4, 6) - 1, +text.slice(6, 8), +text.slice(9, 11), +text.slice(11, 13), +text.slice(13, 15));

function untilInLocal(value, tzid) {
  if (value.length === 8) return value + "T235959Z";
  if (!value.endsWith("Z") || !tzid) return value.replace("Z", "") + "Z";
  return compact(Temporal.Instant.fromEpochMilliseconds(seconds(value)).toZonedDateTimeISO(tzid).toPlainDateTime().toString()) + "Z";
}

function answer({ id, rrule, dtstart, tzid, max, end }) {
  let count = Infinity;
  let last = end;
  const parts = [];
  for (const part of rrule.split(";")) {
    const [name, value] = part.split("=");
    // Both ends are applied below: DTSTART counts whether the rule gives it or not, and a list that ends without
    // having reached an end was cut by the engine's own bound on work.
    if (name === "COUNT") count = +value;
    else if (name === "UNTIL") {
      const until = untilInLocal(value, tzid).slice(0, 15);
      if (until < last) last = until;
    } else parts.push(part);
  }
  const rule = new RRuleTemporal({
    rruleString: `DTSTART;TZID=UTC:${dtstart}\nRRULE:${parts.join(";")}`,
    maxIterations: 10_000,
    maxCandidateEvaluations: 20_000,
  });
  const local = [dtstart];
  let done = null;
  if (local.length === count) return { id, local, utc: null, done: true };
  rule.all((at) => {
    const text = compact(at.toPlainDateTime().toString());
    if (text <= dtstart) return true;
    if (text > last) done = true;
    else if (local.length === max) done = false;
    else local.push(text);
    if (local.length === count) done = true;
    return done === null;
  });
  return done === null ? { id, error: "gave up" } : { id, local, utc: null, done };
}

console.log(JSON.stringify({ engine: "rrule-temporal", version }));
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let result;
  try {
    result = answer(request);
  } catch (error) {
    result = { id: request.id, error: String(error.message).slice(0, 200) };
  }
  console.log(JSON.stringify(result));
}
