import type { Connection } from "@libp2p/interface";
import type { Certificate, SetUpdate, WireAttestation } from "@mach/core";
import type {
  EvidenceQuery,
  PositionedEvidence,
  RollupHead,
  SetUpdateQuery,
  SyncQuery,
} from "./handlers.ts";
import { requestSync, type SyncOptions, type SyncResult } from "./sync.ts";
import { MAX_SYNC_ITEMS, type SyncItems, type SyncRequest } from "./sync-wire.ts";
import { decodeEvidenceDocument, type EvidenceCodec } from "./wire.ts";

export interface RequestsContext {
  readonly sync: SyncOptions;
  readonly codec: EvidenceCodec;
  readonly connectionTo: (peerId: string) => Connection | undefined;
  /** A request that brought nothing. */
  readonly count: (peerId: string, code: string) => void;
  /** The peer answered what no honest one does. */
  readonly onLie: (peerId: string, code: string) => void;
}

/** What a peer can be asked. None of it rejects. */
export interface Requests {
  certificates(peerId: string, query: SyncQuery): Promise<SyncResult<Certificate>>;
  attestations(peerId: string, query: SyncQuery): Promise<SyncResult<WireAttestation>>;
  heads(peerId: string): Promise<SyncResult<RollupHead>>;
  evidence(peerId: string, query: EvidenceQuery): Promise<SyncResult<PositionedEvidence>>;
  setUpdates(peerId: string, query: SetUpdateQuery): Promise<SyncResult<SetUpdate>>;
}

type Kind = SyncItems["kind"];
type ItemsOf<K extends Kind> = Extract<SyncItems, { readonly kind: K }>["items"][number];

/** Asks peers over their connections; the limit of a query is cut to what one answer may have. */
export function createRequests(context: RequestsContext): Requests {
  const { codec, count, onLie } = context;

  function fail<T>(peerId: string, code: Refused): SyncResult<T> {
    count(peerId, `request-${code}`);
    if (code === "malformed" || code === "oversized") onLie(peerId, code);
    return { ok: false, code };
  }

  async function ask<K extends Kind>(
    peerId: string,
    request: SyncRequest & { readonly kind: K },
  ): Promise<SyncResult<ItemsOf<K>>> {
    const answer = await requestSync(context.connectionTo(peerId), request, context.sync);
    if (!answer.ok) return fail(peerId, answer.code);
    // The decoder gives the kind that was asked for, and null for any other.
    return { ok: true, items: answer.items as readonly ItemsOf<K>[] };
  }

  return {
    certificates: (peerId, query) => ask(peerId, { kind: "certificates", ...within(query) }),
    attestations: (peerId, query) => ask(peerId, { kind: "attestations", ...within(query) }),
    heads: (peerId) => ask(peerId, { kind: "heads" }),
    setUpdates: (peerId, query) => ask(peerId, { kind: "set-updates", ...within(query) }),
    async evidence(peerId, query) {
      const answer = await ask(peerId, { kind: "evidence", ...within(query) });
      if (!answer.ok) return answer;
      const items: PositionedEvidence[] = [];
      for (const { position, document } of answer.items) {
        const evidence = decodeEvidenceDocument(codec, document);
        if (evidence === null) return fail(peerId, "malformed");
        items.push({ position, evidence });
      }
      return { ok: true, items };
    },
  };
}

type Refused = Extract<SyncResult<never>, { readonly ok: false }>["code"];

function within<Q extends { readonly limit: number }>(query: Q): Q {
  return { ...query, limit: Math.min(query.limit, MAX_SYNC_ITEMS) };
}
