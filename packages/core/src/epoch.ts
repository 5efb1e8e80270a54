/** When epochs begin and how long they last, in seconds: fixed once by the registry. */
export interface EpochSchedule {
  readonly genesisTime: bigint;
  readonly epochSeconds: bigint;
}

/** The epoch that a timestamp in seconds falls in, or null before genesisTime. */
export function epochAt(schedule: EpochSchedule, timestamp: bigint): bigint | null {
  if (timestamp < schedule.genesisTime) return null;
  return (timestamp - schedule.genesisTime) / schedule.epochSeconds;
}

/** When an epoch begins, in seconds. */
export function epochStart(schedule: EpochSchedule, epoch: bigint): bigint {
  return schedule.genesisTime + epoch * schedule.epochSeconds;
}

/**
 * The snapshot of an epoch's operator set is the state at the last L1 block with a timestamp
 * below this one, in seconds: one epoch ahead, and genesisTime for epochs 0 and 1.
 */
export function snapshotTime(schedule: EpochSchedule, epoch: bigint): bigint {
  return epoch === 0n ? schedule.genesisTime : epochStart(schedule, epoch - 1n);
}
