import { fail, ok, type Verdict, warn } from "./finding.ts";
import type { Check, Patient } from "./patient.ts";
import type { DateReading } from "./surroundings.ts";

/** One server's time beside this clock; `isElsewhere` where it is another machine's. */
export interface ClockReading extends DateReading {
  readonly host: string;
  readonly isElsewhere: boolean;
}

/** What the protocol lives with: a block's time and the epochs are whole seconds. */
const GOOD_MS = 2_000;
/** Beyond, heights are looked for in the wrong epoch around each of its ends. */
const BAD_MS = 30_000;
/** What HTTP's Date leaves out. */
const DATE_STEP_MS = 1_000;
const MAX_ASKED = 8;

const SET_IT = "let chrony or systemd-timesyncd set the clock (`timedatectl` says whether it does)";

/** Compares this clock with those of the endpoints' hosts, and with the time of the L1. */
export const clockCheck: Check = {
  name: "clock",
  async run(patient) {
    const [readings, endpoints] = [await readClocks(patient), await patient.l1Endpoints()];
    const times = endpoints.flatMap(({ latest }) => (latest === null ? [] : [latest.timestamp]));
    const [newest] = times
      .toSorted((left, right) => (left > right ? -1 : 1))
      .slice(Math.floor(times.length / 2));
    const headMs = newest === undefined ? null : Number(newest) * 1_000;
    return [judgeClock({ readings, headMs, nowMs: patient.surroundings.now() })];
  },
};

async function readClocks({ config, surroundings }: Patient): Promise<readonly ClockReading[]> {
  const urls = [config.l1, ...config.rollups].flatMap(({ rpcUrls }) => rpcUrls);
  const byHost = new Map(urls.map((url) => [new URL(url).hostname, url]));
  const asked = await Promise.all(
    [...byHost].slice(0, MAX_ASKED).map(async ([host, url]) => {
      const reading = await surroundings.readDate(url, config.l1.timeoutMs);
      return reading === null ? [] : [{ ...reading, host, isElsewhere: !isLoopback(host) }];
    }),
  );
  return asked.flat();
}

/**
 * A server's Date is right to a second, and as right as the server. The newest L1 block tells only
 * that its time has come: a clock that has not come there is behind.
 */
export function judgeClock(facts: {
  readonly readings: readonly ClockReading[];
  readonly headMs: number | null;
  readonly nowMs: number;
}): Verdict {
  const { readings, headMs, nowMs } = facts;
  const headAgeMs = headMs === null ? null : nowMs - headMs;
  if (headAgeMs !== null && headAgeMs < -BAD_MS) {
    const found = `the newest L1 block is of a time that this clock reaches in ${span(-headAgeMs)}`;
    return fail({ code: "clock-behind", found, next: SET_IT });
  }
  const offsets = readings.map((reading) => ({ ...reading, offsetMs: offsetOf(reading) }));
  const bad = offsets.filter(({ offsetMs }) => Math.abs(offsetMs) > BAD_MS);
  if (bad.length * 2 > offsets.length) {
    return fail({ code: "clock-off", found: describe(bad), next: SET_IT });
  }
  const doubtful = offsets.filter(({ offsetMs }) => Math.abs(offsetMs) > GOOD_MS);
  if (doubtful.length > 0) {
    const next = `${SET_IT}; where it is set, the clocks of those hosts are not`;
    return warn({ code: "clocks-differ", found: describe(doubtful), next });
  }
  const elsewhere = offsets.filter(({ isElsewhere }) => isElsewhere).length;
  if (elsewhere > 0) return ok(`within ${span(GOOD_MS)} of ${elsewhere} other machine(s), by HTTP`);
  if (headAgeMs !== null && headAgeMs <= BAD_MS) {
    return ok(
      `the newest L1 block is ${span(Math.max(0, headAgeMs))} old by this clock; ` +
        "no other machine's clock could be asked",
    );
  }
  return warn({
    code: "clock-not-known",
    found:
      headAgeMs === null
        ? "nothing tells the time but this clock"
        : `the newest L1 block is ${span(headAgeMs)} old by this clock, and no other machine's ` +
          "clock could be asked",
    next: "ask `timedatectl` or `chronyc tracking`",
  });
}

/** Nearest to zero of what the reading allows; positive where this clock is ahead. */
function offsetOf({ dateMs, askedAtMs, answeredAtMs }: DateReading): number {
  const least = askedAtMs - dateMs - DATE_STEP_MS;
  const most = answeredAtMs - dateMs;
  return least > 0 ? least : Math.min(0, most);
}

function describe(
  offsets: readonly { readonly host: string; readonly offsetMs: number }[],
): string {
  const each = offsets.map(
    ({ host, offsetMs }) =>
      `${span(Math.abs(offsetMs))} ${offsetMs > 0 ? "ahead of" : "behind"} ${host}`,
  );
  return `this clock is ${each.join(", ")}`;
}

function span(milliseconds: number): string {
  return `${Math.round(milliseconds / 1_000)} s`;
}

/** What is at a loopback address has this machine's clock, or a tunnel's other end. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host.startsWith("127.");
}
