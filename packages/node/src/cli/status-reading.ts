import type {
  Alert,
  Client,
  ClientResult,
  Finality,
  FollowedRollup,
  Health,
  Network,
  RollupParticipation,
} from "@mach/api";
import type { Hex } from "@mach/core";

/** What a node's API tells at one moment. Nothing in it was verified. */
export interface StatusReading {
  readonly ok: true;
  readonly network: Network;
  readonly health: Health;
  readonly rollups: readonly RollupReading[];
  /** Whose attestations are told; null for an observer where none was asked for. */
  readonly operator: Hex | null;
  /** Those that stand; null where they could not be read. */
  readonly alerts: readonly Alert[] | null;
}

export interface RollupReading {
  readonly rollup: FollowedRollup;
  /** Null where it could not be read, with the code of why. */
  readonly finality: Finality | null;
  readonly failure: string | null;
  /** Of the operator, in the newest epoch that has been counted; null while there is none. */
  readonly participation: RollupParticipation | null;
  /** Why the participation could not be read; null where it was. */
  readonly participationFailure: string | null;
}

export interface StatusFailure {
  readonly ok: false;
  readonly code: string;
}

/** Alerts that stand come first where there are more. */
const MAX_ALERTS = 100;
const MAX_EPOCHS = 100;
/** As many reads as one request takes. */
const MAX_READS = 32;

/** Reads all of it, in a few requests. Never rejects. */
export async function readStatus(
  client: Client,
  asked: { readonly operator: Hex | null },
): Promise<StatusReading | StatusFailure> {
  const [network, health, rollups, alerts] = await client.batch([
    { id: "network", input: {} },
    { id: "health", input: {} },
    { id: "rollups", input: {} },
    { id: "alerts", input: { limit: MAX_ALERTS } },
  ]);
  if (!network.ok) return { ok: false, code: network.code };
  if (!health.ok) return { ok: false, code: health.code };
  if (!rollups.ok) return { ok: false, code: rollups.code };
  const operator = asked.operator ?? health.answer.data.operator;
  const { currentEpoch } = network.answer.data;
  const report = await readReport(client, operator, currentEpoch);
  const finalities = await readFinalities(client, rollups.answer.data);
  return {
    ok: true,
    network: network.answer.data,
    health: health.answer.data,
    operator,
    alerts: alerts.ok ? alerts.answer.data.filter((alert) => alert.clearedAt === null) : null,
    rollups: rollups.answer.data.map((rollup, index): RollupReading => {
      const finality = finalities[index];
      const rows = report.rows.filter((row) => row.rollupId === rollup.rollupId);
      return {
        rollup,
        finality: finality?.ok === true ? finality.answer.data : null,
        failure: finality?.ok === false ? finality.code : null,
        participation: rows.at(-1) ?? null,
        participationFailure: report.failure,
      };
    }),
  };
}

interface Report {
  /** Ascending by epoch. */
  readonly rows: readonly RollupParticipation[];
  readonly failure: string | null;
}

/** Of this epoch and the one before: when one begins nothing of it has been counted. */
async function readReport(
  client: Client,
  operator: Hex | null,
  currentEpoch: bigint | null,
): Promise<Report> {
  if (operator === null || currentEpoch === null) return { rows: [], failure: null };
  const from = currentEpoch > 0n ? currentEpoch - 1n : 0n;
  const asked = await client.get("operator", { operator, from, limit: MAX_EPOCHS });
  if (!asked.ok) return { rows: [], failure: asked.code };
  const rows = asked.answer.data.participation.toSorted((left, right) =>
    left.epoch < right.epoch ? -1 : 1,
  );
  return { rows, failure: null };
}

async function readFinalities(
  client: Client,
  rollups: readonly FollowedRollup[],
): Promise<readonly ClientResult<"finality">[]> {
  const results: ClientResult<"finality">[] = [];
  for (let first = 0; first < rollups.length; first += MAX_READS) {
    const reads = rollups
      .slice(first, first + MAX_READS)
      .map(({ rollupId }) => ({ id: "finality", input: { rollupId } }) as const);
    results.push(...(await client.batch(reads)));
  }
  return results;
}
