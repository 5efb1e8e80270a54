import { encodeEvidence } from "@mach/api";
import { type Evidence, type Hex, keccak256Text } from "@mach/core";
import { canonicalJson } from "./canonical-json.ts";

/** keccak256 of evidence's canonical JSON: one id on every node. */
export function evidenceId(evidence: Evidence): Hex {
  return keccak256Text(canonicalJson(encodeEvidence(evidence)));
}
