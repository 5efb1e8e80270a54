import type { BlockReference, Finality, RollupParticipation } from "@mach/api";
import type { RollupReading, StatusFailure, StatusReading } from "./status-reading.ts";

/** What is said at one moment; `isFine` only where everything is known and well. */
export interface StatusWords {
  readonly isFine: boolean;
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
}

/** A head older than this is told as old: `rpc.maxStalenessMs` has the same default. */
const OLD_HEAD_MS = 120_000;
const MAX_ALERT_LINES = 5;
const MAX_SHOWN_LAPSES = 3;

/** A node that did not answer: nothing of an earlier answer is shown as if it were of now. */
export function describeFailure(
  apiUrl: string,
  { code }: StatusFailure,
  lastAnswerMs: number | null,
): StatusWords {
  const since = lastAnswerMs === null ? "it has not answered yet" : `${age(lastAnswerMs)} ago`;
  const said = lastAnswerMs === null ? since : `its last answer was ${since}`;
  return {
    isFine: false,
    lines: [`UNKNOWN  ${plain(apiUrl)}: no answer (${plain(code)}); ${said}`],
    json: { ok: false, code, api: apiUrl },
  };
}

/** One screen of what a node tells. */
export function describeStatus(apiUrl: string, reading: StatusReading): StatusWords {
  const { network, health, rollups, operator, alerts } = reading;
  const states = rollups.map(stateOf);
  const isFine =
    health.status === "ok" &&
    alerts !== null &&
    rollups.length > 0 &&
    states.every(({ isFinal }) => isFinal);
  const { currentEpoch } = network;
  const role = health.role === "operator" ? `operator ${health.operator ?? "?"}` : "observer";
  // What this screen finds wrong is wrong, whatever the node thinks of itself.
  const worst = health.status === "ok" ? "NOT OK" : health.status.toUpperCase();
  const head = [
    `${(isFine ? "OK" : worst).padEnd(8)} ${apiUrl}  ${health.software}, up ${age(health.uptimeMs)}`,
    `${role}, epoch ${currentEpoch ?? "0 is to come"}, ${health.peers} peer(s)`,
  ];
  const checks = health.checks
    .filter(({ status }) => status !== "ok")
    .map(({ name, status, code, rollupId }) => {
      const of = rollupId === null ? name : `${name} ${rollupId}`;
      return `  ${status}: ${of}, ${code ?? "no reason"}`;
    });
  const told = rollups.flatMap((each, index) => describeRollup(each, states[index] ?? UNREAD));
  const nothing = rollups.length === 0 ? ["no rollup is followed, or none is registered"] : [];
  const lines = [...head, ...checks, "", ...told, ...nothing, ...describeAlerts(alerts)];
  return {
    isFine,
    lines: lines.map(plain),
    json: {
      ...{ ok: isFine, api: apiUrl, status: health.status, role: health.role, operator },
      ...{ epoch: currentEpoch?.toString() ?? null, peers: health.peers },
      rollups: rollups.map((each, index) => encodeRollup(each, states[index] ?? UNREAD)),
      alerts: alerts?.map(({ code, severity, message, rollupId }) => ({
        ...{ code, severity, message, rollupId: rollupId?.toString() ?? null },
      })),
    },
  };
}

/** How a rollup stands, in one word and the reason. */
interface State {
  readonly isFinal: boolean;
  readonly word: "final" | "unknown" | "old" | "abstaining" | "contradicted" | "waiting";
  readonly code: string | null;
}

const UNREAD: State = { isFinal: false, word: "unknown", code: "not-read" };

function stateOf({ rollup, finality, failure }: RollupReading): State {
  const not = (word: State["word"], code: string | null): State => ({ isFinal: false, word, code });
  if (finality === null) return not("unknown", failure ?? "not-read");
  const { reason, observed, fastFinal, agesMs } = finality;
  if (reason?.code === "contradicted") return not("contradicted", reason.code);
  if (observed === null) return not("unknown", reason?.code ?? "no-block");
  if (rollup.abstention !== null) return not("abstaining", rollup.abstention);
  if (agesMs.observed === null || agesMs.observed > OLD_HEAD_MS) return not("old", "head-old");
  if (reason !== null) return not("waiting", reason.code);
  if (fastFinal === null) return not("waiting", "no-certificate");
  return { isFinal: true, word: "final", code: null };
}

function describeRollup(reading: RollupReading, state: State): readonly string[] {
  const { rollup, finality } = reading;
  const reason = state.code === null ? "" : ` (${state.code})`;
  const title = `${rollup.rollupId}  ${rollup.stack}  ${state.word.toUpperCase()}${reason}`;
  if (finality === null) return [title, ""];
  const { observed, fastFinal, agesMs } = finality;
  return [
    title,
    `  head        ${block(observed, agesMs.observed)}`,
    `  attested    ${attested(finality)}`,
    `  fast-final  ${block(fastFinal, agesMs.fastFinal)}${latency(finality)}`,
    `  weight      ${weight(finality)}`,
    `  own         ${ownAttestations(reading)}`,
    "",
  ];
}

function block(head: BlockReference | null, ageMs: number | null): string {
  if (head === null) return "unknown";
  return `${head.blockNumber}, ${ageMs === null ? "of unknown age" : `${age(ageMs)} old`}`;
}

function latency({ latencyMs }: Finality): string {
  return latencyMs === null ? "" : `, certified ${latencyMs} ms after its first sight`;
}

/** The newest height that operators have attested, as far as the node tells of it. */
function attested({ reason, fastFinal }: Finality): string {
  if (reason !== null) {
    const { blockNumber, presentWeight, requiredWeight } = reason;
    if (blockNumber === null || presentWeight === null) return `unknown (${reason.code})`;
    return `${blockNumber} by weight ${presentWeight} of ${requiredWeight ?? "?"} needed`;
  }
  return fastFinal === null ? "unknown" : `${fastFinal.blockNumber}, certified`;
}

function weight({ participation: { signed, total } }: Finality): string {
  if (total === 0n) return "unknown: no operator set";
  const percent = Number((signed * 1_000n) / total) / 10;
  return `${signed} of ${total} present (${percent} %)`;
}

function ownAttestations({ participation, participationFailure }: RollupReading): string {
  if (participationFailure !== null) return `unknown (${participationFailure})`;
  if (participation === null) return "none counted";
  return describeCounts(participation);
}

function describeCounts(participation: RollupParticipation): string {
  const { epoch, expected, made, late, missed, disagreeing, unseen, reasons, lapses } =
    participation;
  const counts = [
    `${made} of ${expected} attestations made`,
    ...(late > 0 ? [`${late} late`] : []),
    ...(missed > 0 ? [`${missed} missed`] : []),
    ...(disagreeing > 0 ? [`${disagreeing} disagreeing`] : []),
    ...(unseen > 0 ? [`${unseen} unseen`] : []),
  ].join(", ");
  const why = reasons.map(({ kind, reason, count }) => `${count} ${kind}: ${reason}`).join("; ");
  const newest = lapses
    .slice(-MAX_SHOWN_LAPSES)
    .map(({ blockNumber, reason }) => `${blockNumber} ${reason}`)
    .join(", ");
  const detail = [why, newest === "" ? "" : `newest ${newest}`].filter((each) => each !== "");
  return `epoch ${epoch}: ${counts}${detail.length === 0 ? "" : ` (${detail.join("; ")})`}`;
}

function describeAlerts(alerts: StatusReading["alerts"]): readonly string[] {
  if (alerts === null) return ["alerts: unknown"];
  const shown = alerts.slice(0, MAX_ALERT_LINES).map(({ severity, code, rollupId, message }) => {
    const of = rollupId === null ? "" : ` ${rollupId}`;
    return `${severity}: ${code}${of}: ${message}`;
  });
  const more = alerts.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more alert(s)`] : shown;
}

function encodeRollup(reading: RollupReading, state: State): Readonly<Record<string, unknown>> {
  const { rollup, finality, participation, participationFailure } = reading;
  const encodeHead = (head: BlockReference | null | undefined): unknown =>
    head ? { blockNumber: `${head.blockNumber}`, blockHash: head.blockHash } : null;
  return {
    ...{ rollupId: `${rollup.rollupId}`, state: state.word, code: state.code },
    head: encodeHead(finality?.observed),
    fastFinal: encodeHead(finality?.fastFinal),
    agesMs: finality?.agesMs ?? null,
    weight: finality && {
      present: `${finality.participation.signed}`,
      total: `${finality.participation.total}`,
    },
    attestations: participation && {
      ...{ epoch: `${participation.epoch}`, expected: participation.expected },
      ...{ made: participation.made, late: participation.late, missed: participation.missed },
      ...{ disagreeing: participation.disagreeing, unseen: participation.unseen },
      reasons: participation.reasons,
    },
    attestationsCode: participationFailure,
  };
}

function age(milliseconds: number): string {
  const seconds = milliseconds / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 600) return `${Math.round(seconds)} s`;
  return seconds < 36_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** What another machine says must not move the cursor, or set a title. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "?");
}
