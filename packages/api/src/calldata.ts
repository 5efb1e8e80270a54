import type { Hex } from "@mach/core";
import * as z from "zod/mini";
import { type DocumentSchema, hash } from "./scalars.ts";

/** A certificate as ABI calldata, in the two ways in which contracts take one. */
export interface CertificateCalldata {
  readonly certificateId: Hex;
  /** Of `CertificateVerifier.verify`; the set's hash and threshold in it are the node's word. */
  readonly verify: Hex;
  /** Of `FinalityLightClient.submitCertificate`, which trusts nothing but its own sets. */
  readonly submitCertificate: Hex;
}

const MAX_CALLDATA_BYTES = 1_048_576;

const calldata = z
  .string()
  .check(z.maxLength(2 + 2 * MAX_CALLDATA_BYTES, { abort: true }))
  .check(z.regex(/^0x(?:[0-9a-f]{2})+$/)) as z.ZodMiniType<string, string> as z.ZodMiniType<
  Hex,
  Hex
>;

export const certificateCalldataSchema: DocumentSchema<CertificateCalldata> = z
  .strictObject({
    certificateId: hash,
    verify: calldata.check(z.meta({ description: "Of CertificateVerifier.verify" })),
    submitCertificate: calldata.check(
      z.meta({ description: "Of FinalityLightClient.submitCertificate" }),
    ),
  })
  .check(
    z.meta({
      id: "CertificateCalldata",
      description:
        "A certificate as ABI calldata. The operatorSetHash and the threshold in `verify` are the " +
        "node's word: compare them with the registry's",
    }),
  );
