import type { SignedPeerBinding } from "@mach/core";
import { expect, it } from "vitest";
import { createOwnBinding } from "../../src/gossip/own-binding.ts";
import { OPERATOR } from "./network.ts";

it("an operator's binding is signed for its peer and renewed at half of its life", async () => {
  let now = 0;
  let sequence = 40n;
  const own = createOwnBinding(
    {
      signPeerBinding: async (asked): Promise<SignedPeerBinding> => ({
        ...asked,
        operator: OPERATOR,
        sequence: ++sequence,
        signature: `0x${"99".repeat(96)}`,
      }),
    },
    { peerId: "0x00aa", lifetimeMs: 60_000, now: () => now, onFailed: () => {} },
  );
  expect(own.current()).toBeNull();
  expect(await own.renewIfDue()).toBe(true);
  expect(await own.renewIfDue()).toBe(false);
  expect(own.current()).toMatchObject({ peerId: "0x00aa", sequence: 41n, expiry: 60n });
  now = 30_000;
  expect(await own.renewIfDue()).toBe(true);
  expect(own.current()).toMatchObject({ sequence: 42n, expiry: 90n });
  now = 90_000;
  expect(own.current()).toBeNull();
});

it("a signer that fails is asked again, and an observer has none", async () => {
  let now = 0;
  const failures: unknown[] = [];
  const options = {
    peerId: "0x00aa" as const,
    lifetimeMs: 60_000,
    now: () => now,
    onFailed: (error: unknown) => void failures.push(error),
  };
  const signer = { signPeerBinding: () => Promise.reject(new Error("no signer")) };
  const own = createOwnBinding(signer, options);
  expect(await own.renewIfDue()).toBe(false);
  expect(await own.renewIfDue()).toBe(false);
  now = 5_000;
  expect(await own.renewIfDue()).toBe(false);
  expect(failures).toHaveLength(2);
  expect(await createOwnBinding(undefined, options).renewIfDue()).toBe(false);
});

it("a binding is signed anew once peers know the operator by another key", async () => {
  const signed: (string | undefined)[] = [];
  let publicKey: `0x${string}` | null = null;
  const own = createOwnBinding(
    {
      publicKey: () => publicKey,
      signPeerBinding: async (asked): Promise<SignedPeerBinding> => {
        signed.push(asked.publicKey);
        const { peerId, expiry } = asked;
        return { peerId, expiry, operator: OPERATOR, sequence: 1n, signature: "0x" };
      },
    },
    { peerId: "0x00aa", lifetimeMs: 60_000, now: () => 0, onFailed: () => {} },
  );
  expect(await own.renewIfDue()).toBe(true);
  publicKey = "0x01";
  expect([await own.renewIfDue(), await own.renewIfDue()]).toEqual([true, false]);
  publicKey = "0x02";
  expect(await own.renewIfDue()).toBe(true);
  publicKey = null;
  expect(await own.renewIfDue()).toBe(false);
  expect(signed).toEqual([undefined, "0x01", "0x02"]);
});
