export type {
  InvalidVerdict,
  Missing,
  UnverifiableCode,
  UnverifiableVerdict,
  ValidVerdict,
  Verdict,
} from "./verdict.ts";
