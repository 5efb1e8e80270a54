import type { Hex } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggchainHash, multisigHash, readCertificateHeader } from "../src/agglayer.ts";
import { scriptedCall } from "./support/scripted-node.ts";
import { readVector } from "./support/vectors.ts";

interface Vectors<Inputs, Output> {
  readonly test_vectors: readonly { readonly inputs: Inputs; readonly expected_output: Output }[];
}

const aggchain = readVector<
  Vectors<{ aggchain_vkey: Hex; aggchain_params: Hex; multisig_hash: Hex }, { aggchain_hash: Hex }>
>("cdk/agglayer-aggchain_hash_computation.json").test_vectors;
const multisig = readVector<Vectors<{ threshold: number; signers: Hex[] }, { multisig_hash: Hex }>>(
  "cdk/agglayer-multisig_hash_computation.json",
).test_vectors;

const lower = (value: Hex): Hex => value.toLowerCase() as Hex;

describe("the agglayer's hashes", () => {
  it.each(aggchain)("of a chain: $expected_output.aggchain_hash", ({ inputs, expected_output }) => {
    const hash = aggchainHash({
      verificationKey: lower(inputs.aggchain_vkey),
      parameters: lower(inputs.aggchain_params),
      multisigHash: lower(inputs.multisig_hash),
    });
    expect(hash).toBe(expected_output.aggchain_hash);
  });

  it.each(multisig)("of signers: $expected_output.multisig_hash", ({ inputs, expected_output }) => {
    const hash = multisigHash(inputs.threshold, inputs.signers.map(lower));
    expect(hash).toBe(expected_output.multisig_hash);
  });
});

describe("a certificate's status", () => {
  const hash: Hex = `0x${"ab".repeat(32)}`;
  const raw = {
    network_id: 14,
    height: 3,
    epoch_number: 9,
    certificate_index: 0,
    certificate_id: hash,
    prev_local_exit_root: hash,
    new_local_exit_root: hash,
    status: "Settled",
    settlement_tx_hash: hash,
  };
  const read = (value: unknown, newest: "known" | "settled" = "known") =>
    readCertificateHeader(
      scriptedCall({
        interop_getLatestKnownCertificateHeader: () => value,
        interop_getLatestSettledCertificateHeader: () => value,
      }),
      { networkId: 14, newest },
    );

  it("is read, settled with its L1 transaction", async () => {
    expect(await read(raw, "settled")).toEqual({
      ok: true,
      header: {
        networkId: 14,
        height: 3n,
        certificateId: hash,
        previousLocalExitRoot: hash,
        newLocalExitRoot: hash,
        status: "settled",
        settlementTransactionHash: hash,
      },
    });
    const pending = { ...raw, status: "Pending", settlement_tx_hash: null };
    expect(await read(pending)).toMatchObject({
      header: { status: "pending", settlementTransactionHash: null },
    });
    const failed = { ...raw, status: { InError: { error: "…" } } };
    expect(await read(failed)).toMatchObject({ header: { status: "in-error" } });
  });

  it("is missing where the network has none", async () => {
    expect(await read(null)).toEqual({ ok: false, code: "missing" });
  });

  it("is malformed of another network, unsettled where settled was asked for, or out of shape", async () => {
    const malformed = { ok: false, code: "malformed" };
    expect(await read({ ...raw, network_id: 15 })).toEqual(malformed);
    expect(await read({ ...raw, status: "Proven" }, "settled")).toEqual(malformed);
    expect(await read({ ...raw, status: "constructor" })).toEqual(malformed);
    expect(await read({ ...raw, height: 2 ** 53 })).toEqual(malformed);
    expect(await read({ ...raw, settlement_tx_hash: "0x12" })).toEqual(malformed);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(raw)),
        fc.jsonValue(),
        async (field, value) => {
          const answer = await read({ ...raw, [field]: value });
          if (!answer.ok) expect(answer.code).toBe("malformed");
        },
      ),
    );
  });
});
