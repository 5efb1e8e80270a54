import type { GossipsubOpts } from "@libp2p/gossipsub";

type ScoreParams = NonNullable<GossipsubOpts["scoreParams"]>;
type TopicParams = NonNullable<ScoreParams["topics"]>[string];

/** What a peer that is bound to an operator has above others. */
const OPERATOR_SCORE = 50;

/** Below `gossip` no history is exchanged, below `publish` nothing is sent, below `graylist` read. */
export const SCORE_THRESHOLDS: NonNullable<GossipsubOpts["scoreThresholds"]> = {
  gossipThreshold: -100,
  publishThreshold: -200,
  graylistThreshold: -400,
  acceptPXThreshold: 1_000_000,
  opportunisticGraftThreshold: 1,
};

/** Below this score a peer is hung up on: gossipsub itself only stops listening to it. */
export const HANG_UP_SCORE = -400;

/**
 * Deliveries that are missing cost nothing here, because an observer has nothing to deliver first
 * and traffic comes in bursts; what is invalid costs the square of its number.
 */
function topicParams(topicWeight: number): TopicParams {
  return {
    topicWeight,
    timeInMeshWeight: 0.01,
    timeInMeshQuantum: 1_000,
    timeInMeshCap: 300,
    firstMessageDeliveriesWeight: 0.05,
    firstMessageDeliveriesDecay: 0.97,
    firstMessageDeliveriesCap: 200,
    meshMessageDeliveriesWeight: 0,
    meshMessageDeliveriesDecay: 0.5,
    meshMessageDeliveriesCap: 10,
    meshMessageDeliveriesThreshold: 1,
    meshMessageDeliveriesWindow: 2_000,
    meshMessageDeliveriesActivation: 10_000,
    meshFailurePenaltyWeight: 0,
    meshFailurePenaltyDecay: 0.5,
    invalidMessageDeliveriesWeight: -10,
    invalidMessageDeliveriesDecay: 0.995,
  };
}

/** Parameters for every topic: gossipsub scores nothing on a topic without them. */
export function scoreParams(
  topics: {
    readonly attestations: string;
    readonly certificates: string;
    readonly evidence: string;
    readonly setUpdates: string;
  },
  isOperator: (peerId: string) => boolean,
): ScoreParams {
  return {
    topics: {
      [topics.attestations]: topicParams(1),
      [topics.certificates]: topicParams(1),
      [topics.evidence]: topicParams(1),
      [topics.setUpdates]: topicParams(1),
    },
    topicScoreCap: 50,
    appSpecificScore: (peerId) => (isOperator(peerId) ? OPERATOR_SCORE : 0),
    appSpecificWeight: 1,
    IPColocationFactorWeight: -5,
    IPColocationFactorThreshold: 16,
    // A whole network on one machine is not an attack.
    IPColocationFactorWhitelist: new Set(["127.0.0.1", "::1"]),
    behaviourPenaltyWeight: -10,
    behaviourPenaltyThreshold: 6,
    behaviourPenaltyDecay: 0.9,
    decayInterval: 1_000,
    decayToZero: 0.01,
    retainScore: 600_000,
  };
}
