import type { Attestation, Certificate, Evidence } from "@mach/core";
import * as z from "zod/mini";
import {
  attestationSchema,
  certificateSchema,
  encodeAttestation,
  encodeCertificate,
  encodeEvidence,
  evidenceSchema,
} from "./documents.ts";
import {
  type Alert,
  alertSchema,
  type EpochStart,
  encodeAlert,
  encodeEpochStart,
  epochStartSchema,
} from "./network.ts";
import { type Document, type DocumentSchema, uint128 } from "./scalars.ts";
import {
  type BadgeRule,
  badgeRuleSchema,
  encodeBadgeRule,
  encodeFinality,
  type Finality,
  finalitySchema,
} from "./status.ts";

/** What the data of each topic's events is: the same envelope as the matching GET answers. */
export interface EventAnswers {
  readonly certificate: { readonly data: Certificate; readonly rule: BadgeRule };
  /** `weight` is the operator's own. */
  readonly attestation: { readonly data: Attestation; readonly weight: bigint };
  readonly finality: { readonly data: Finality };
  readonly alert: { readonly data: Alert };
  readonly evidence: { readonly data: Evidence };
  readonly epoch: { readonly data: EpochStart };
}

export type Topic = keyof EventAnswers;

/** Each topic with what its events tell. */
export const TOPICS: { readonly [Name in Topic]: string } = {
  certificate: "A certificate stands, or was replaced by one with more weight.",
  attestation: "An operator's attestation was checked and counted.",
  finality: "The heads of a rollup moved. A client that lags gets only the newest per rollup.",
  alert: "An alert was raised or cleared.",
  evidence: "Evidence of a breach was kept.",
  epoch: "An epoch has begun, or its set update stands or was replaced by one with more weight.",
};

export const TOPIC_NAMES: readonly Topic[] = Object.keys(TOPICS) as readonly Topic[];

/** Something that readers are told of at once. `rollupId` is null where it is about no rollup. */
export type NodeEvent = {
  readonly [Name in Topic]: {
    readonly topic: Name;
    readonly rollupId: bigint | null;
    readonly answer: EventAnswers[Name];
  };
}[Topic];

export const eventSchemas: { readonly [Name in Topic]: DocumentSchema<EventAnswers[Name]> } = {
  certificate: z.strictObject({ data: certificateSchema, rule: badgeRuleSchema }),
  attestation: z.strictObject({ data: attestationSchema, weight: uint128 }),
  finality: z.strictObject({ data: finalitySchema }),
  alert: z.strictObject({ data: alertSchema }),
  evidence: z.strictObject({ data: evidenceSchema }),
  epoch: z.strictObject({ data: epochStartSchema }),
};

/** The JSON of an event's data. */
export function encodeEvent(event: NodeEvent): Document<EventAnswers[Topic]> {
  switch (event.topic) {
    case "certificate":
      return {
        data: encodeCertificate(event.answer.data),
        rule: encodeBadgeRule(event.answer.rule),
      };
    case "attestation":
      return {
        data: encodeAttestation(event.answer.data),
        weight: event.answer.weight.toString(),
      };
    case "finality":
      return { data: encodeFinality(event.answer.data) };
    case "alert":
      return { data: encodeAlert(event.answer.data) };
    case "evidence":
      return { data: encodeEvidence(event.answer.data) };
    case "epoch":
      return { data: encodeEpochStart(event.answer.data) };
  }
}
