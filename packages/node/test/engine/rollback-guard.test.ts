import type { Claim } from "@mach/core";
import { expect, test } from "vitest";
import type { AlertCause } from "../../src/alerts.ts";
import type { ClaimSigner } from "../../src/engine/ports.ts";
import { guardAgainstRollback, type SeenClaim } from "../../src/engine/rollback-guard.ts";
import { claimAt, hashOf } from "../signer/test-claims.ts";

const SIGNED = { ok: false, code: "it was asked to sign" } as const;

function guarded(options: {
  readonly last: Claim | null;
  readonly seen: SeenClaim | null;
  readonly isQuarantined?: boolean;
  readonly isMadeAnew?: boolean;
}) {
  const alerts: AlertCause[] = [];
  const signer: ClaimSigner = {
    holds: async () => true,
    lastSigned: async () => options.last,
    sign: async () => SIGNED,
    signSetUpdate: async () => SIGNED,
  };
  const guard = guardAgainstRollback(signer, {
    newestSeen: (rollupId) => (rollupId === 901n ? options.seen : null),
    isQuarantined: async () => options.isQuarantined ?? false,
    onQuarantined: () => undefined,
    isMadeAnew: options.isMadeAnew ?? false,
    alerts: { raise: (cause) => alerts.push(cause) },
  });
  const sign = async (claim: Claim) => {
    const result = await guard.sign({
      claim,
      publicKey: "0x",
      verifiedHead: claim.blockNumber,
      ancestry: [],
      release: null,
      isStillWanted: () => true,
    });
    return result.ok ? "signed" : result.code;
  };
  return { alerts, sign };
}

const BEHIND = "record-behind-network";

test.each<[string, Claim | null, SeenClaim | null, string]>([
  ["knows of nothing", null, null, SIGNED.code],
  ["knows less", claimAt(10n), claimAt(9n), SIGNED.code],
  ["knows the same", claimAt(10n), claimAt(10n), SIGNED.code],
  ["knows a higher claim", claimAt(10n), claimAt(11n), BEHIND],
  ["knows a claim of an empty record", null, claimAt(1n), BEHIND],
  ["knows another claim", claimAt(10n), { ...claimAt(10n), blockHash: hashOf("x") }, BEHIND],
])("where the network %s", async (_, last, seen, code) => {
  const { sign, alerts } = guarded({ last, seen });
  expect(await sign(claimAt(20n))).toBe(code);
  expect(alerts.map((each) => each.code)).toEqual(code === BEHIND ? [BEHIND] : []);
  // Each rollup has heights of its own.
  expect(await sign(claimAt(20n, { rollupId: 902n }))).toBe(SIGNED.code);
});

test("nothing is signed in quarantine, and what is behind is told even then", async () => {
  const quarantined = guarded({ last: claimAt(10n), seen: null, isQuarantined: true });
  expect(await quarantined.sign(claimAt(20n))).toBe("quarantined");
  const behind = guarded({ last: claimAt(10n), seen: claimAt(12n), isQuarantined: true });
  expect(await behind.sign(claimAt(20n))).toBe(BEHIND);
  expect(behind.alerts).toMatchObject([{ severity: "critical", rollupId: 901n }]);
});

test("a record made anew waits for L1 by itself, until it holds a claim", async () => {
  const anew = { seen: claimAt(12n), isMadeAnew: true };
  expect(await guarded({ last: null, ...anew }).sign(claimAt(20n))).toBe(SIGNED.code);
  expect(await guarded({ last: claimAt(11n), ...anew }).sign(claimAt(20n))).toBe(BEHIND);
});
