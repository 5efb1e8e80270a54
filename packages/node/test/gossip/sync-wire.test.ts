import type { WireAttestation } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeSyncRequest,
  decodeSyncResponse,
  encodeSyncItems,
  encodeSyncRefusal,
  encodeSyncRequest,
  MAX_SYNC_RESPONSE_BYTES,
  type SyncRequest,
} from "../../src/gossip/sync-wire.ts";
import { certificates, claims, damaged, hexOf, signatureLengths, uint64 } from "./arbitraries.ts";
import { attestationAt, certificateAt, DOMAIN } from "./network.ts";

const QUERY = { rollupId: 901n, from: 10n, limit: 256 };
const limits = fc.integer({ min: 1, max: 256 });
const requests: fc.Arbitrary<SyncRequest> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("certificates" as const, "attestations" as const),
    rollupId: uint64,
    from: uint64,
    limit: limits,
  }),
  fc.record({ kind: fc.constant("evidence" as const), from: uint64, limit: limits }),
  fc.constant({ kind: "heads" as const }),
);
const attestations: fc.Arbitrary<WireAttestation> = signatureLengths.chain((length) =>
  fc.record({
    claim: claims,
    operator: hexOf(20),
    signature: fc.uint8Array({ minLength: length, maxLength: length }),
  }),
);

describe("a request", () => {
  it("comes back as it was written", () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(decodeSyncRequest(encodeSyncRequest(request))).toEqual(request);
      }),
    );
  });

  it("decodes to nothing, or to what encodes to the same bytes, when it is damaged", () => {
    const bytes = requests.chain((request) => damaged(encodeSyncRequest(request)));
    fc.assert(
      fc.property(bytes, (any) => {
        const decoded = decodeSyncRequest(any);
        if (decoded !== null) expect(Buffer.compare(encodeSyncRequest(decoded), any)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it("is malformed with a limit of none or of more than 256", () => {
    for (const limit of [0, 257]) {
      const bytes = encodeSyncRequest({ kind: "certificates", ...QUERY, limit });
      expect(decodeSyncRequest(bytes)).toBeNull();
      const evidence = encodeSyncRequest({ kind: "evidence", from: 0n, limit });
      expect(decodeSyncRequest(evidence)).toBeNull();
    }
  });
});

describe("a response", () => {
  it("brings the certificates that were asked for", () => {
    fc.assert(
      fc.property(fc.array(certificates, { maxLength: 8 }), (items) => {
        const asked = items.map((each) => ({
          ...each,
          claim: { ...each.claim, rollupId: 901n, blockNumber: each.claim.blockNumber | 10n },
        }));
        const request = { kind: "certificates", ...QUERY } as const;
        const bytes = encodeSyncItems({ kind: "certificates", items: asked }, 256);
        const expected = { ok: true, kind: "certificates", items: asked };
        expect(decodeSyncResponse(bytes, request, DOMAIN)).toEqual(expected);
      }),
    );
  });

  it("brings attestations with signatures of both lengths", () => {
    fc.assert(
      fc.property(fc.array(attestations, { maxLength: 8 }), (items) => {
        const asked = items.map((each) => ({ ...each, claim: { ...each.claim, rollupId: 901n } }));
        const request = { kind: "attestations", ...QUERY, from: 0n } as const;
        const bytes = encodeSyncItems({ kind: "attestations", items: asked }, 256);
        const expected = { ok: true, kind: "attestations", items: asked };
        expect(decodeSyncResponse(bytes, request, DOMAIN)).toEqual(expected);
      }),
    );
  });

  it("brings evidence from a position on, in ascending order only", () => {
    const document = Uint8Array.of(1, 2, 3);
    const request = { kind: "evidence", from: 5n, limit: 2 } as const;
    const decode = (...positions: readonly bigint[]): unknown => {
      const items = positions.map((position) => ({ position, document }));
      return decodeSyncResponse(encodeSyncItems({ kind: "evidence", items }, 256), request, DOMAIN);
    };
    const items = [5n, 9n].map((position) => ({ position, document }));
    expect(decode(5n, 9n)).toEqual({ ok: true, kind: "evidence", items });
    for (const wrong of [[4n], [9n, 5n], [5n, 5n], [5n, 6n, 7n]]) {
      expect(decode(...wrong)).toBeNull();
    }
  });

  it("never throws on damaged bytes of evidence", () => {
    const request = { kind: "evidence", from: 0n, limit: 4 } as const;
    const items = [0n, 1n].map((position) => ({ position, document: new Uint8Array(9) }));
    fc.assert(
      fc.property(damaged(encodeSyncItems({ kind: "evidence", items }, 256)), (any) => {
        decodeSyncResponse(any, request, DOMAIN);
      }),
      { numRuns: 500 },
    );
  });

  it("never throws on damaged bytes", () => {
    const request = { kind: "attestations", ...QUERY, from: 0n } as const;
    const bytes = fc
      .array(attestations, { minLength: 1, maxLength: 4 })
      .chain((items) => damaged(encodeSyncItems({ kind: "attestations", items }, 256)));
    fc.assert(
      fc.property(bytes, (any) => {
        decodeSyncResponse(any, request, DOMAIN);
      }),
      { numRuns: 500 },
    );
  });

  it("is malformed with another rollup, a lower height, more than asked, or another kind", () => {
    const request = { kind: "certificates", ...QUERY, limit: 2 } as const;
    const decode = (heights: readonly bigint[], rollupId = 901n): unknown => {
      const items = heights.map((height) => certificateAt(height, rollupId));
      const bytes = encodeSyncItems({ kind: "certificates", items }, 256);
      return decodeSyncResponse(bytes, request, DOMAIN);
    };
    expect(decode([10n, 11n])).toMatchObject({ ok: true });
    expect(decode([10n], 902n)).toBeNull();
    expect(decode([9n])).toBeNull();
    expect(decode([10n, 11n, 12n])).toBeNull();
    const heads = encodeSyncItems({ kind: "heads", items: [] }, 256);
    expect(decodeSyncResponse(heads, request, DOMAIN)).toBeNull();
  });

  it("holds as many items as fit, in their order", () => {
    const items = Array.from({ length: 256 }, (_, i) => attestationAt(BigInt(i)));
    const many = Array.from({ length: 20 }, () => items).flat();
    const bytes = encodeSyncItems({ kind: "attestations", items: many }, 5_000);
    expect(bytes.length).toBeLessThanOrEqual(MAX_SYNC_RESPONSE_BYTES);
    expect(bytes.length).toBeGreaterThan(MAX_SYNC_RESPONSE_BYTES - 342);
    const few = encodeSyncItems({ kind: "attestations", items }, 3);
    const request = { kind: "attestations", rollupId: 901n, from: 0n, limit: 3 } as const;
    expect(decodeSyncResponse(few, request, DOMAIN)).toMatchObject({ items: items.slice(0, 3) });
  });

  it("carries each refusal", () => {
    const request = { kind: "heads" } as const;
    for (const code of ["malformed-request", "rate-limited", "unavailable"] as const) {
      const bytes = encodeSyncRefusal("heads", code);
      expect(decodeSyncResponse(bytes, request, DOMAIN)).toEqual({ ok: false, code });
    }
  });
});
