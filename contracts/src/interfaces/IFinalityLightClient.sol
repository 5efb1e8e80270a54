// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certificates} from "../libraries/Certificates.sol";

/// @title Follows operator sets and holds fast-final blocks, on any chain with EIP-2537
/// @notice Starts from one trusted operatorSetHash and follows the set updates epoch by epoch. What it
/// holds is certified; a block below is proved by the headers between. The owner is a timelock.
interface IFinalityLightClient {
    /// @notice What a certificate of a rollup has to have
    struct Policy {
        uint64 rollupId;
        /// @dev 6667 to 10000
        uint16 thresholdBps;
        /// @dev The least level that is accepted: 1 `header`, 2 `executed`
        uint8 leastVerification;
    }

    /// @notice The network that is followed and its epochs
    struct Network {
        Certificates.Domain domain;
        /// @dev In seconds
        uint64 genesisTime;
        /// @dev In seconds
        uint64 epochSeconds;
        /// @dev In seconds: what a set signed is first accepted until this long after its epoch ends
        uint64 acceptanceWindow;
    }

    /// @notice A certified block, by its claim's digest
    struct Held {
        bytes32 blockHash;
        bytes32 digest;
    }

    /// @notice Why a rollup is frozen: two valid certificates that cannot both be true
    struct Conflict {
        /// @dev The height at which they differ
        uint64 blockNumber;
        Held held;
        /// @dev The other claim at this height, or the certified one above it on another branch
        Held other;
    }

    /// @notice A parameter is zero or out of range, or the owner is no contract
    error InvalidConfiguration();
    /// @notice No rollup of this id is followed
    error UnknownRollup(uint64 rollupId);
    /// @notice The rollup's certificates conflicted: nothing of it is fast-final here
    error RollupFrozen(uint64 rollupId);
    /// @notice The rollup is not frozen
    error RollupNotFrozen(uint64 rollupId);
    /// @notice No new certificates are accepted at present
    error CertificatesPaused();
    /// @notice The verification level is below the rollup's
    error VerificationTooLow(uint8 verification, uint8 leastVerification);
    /// @notice The height is at or below the one above which the rollup was resumed, or zero
    error HeightTooLow(uint64 blockNumber, uint64 floor);
    /// @notice A certificate or set update is not valid
    error NotValid(Certificates.Code code);
    /// @notice The set's epoch and the acceptance window after it are over
    error OperatorSetExpired(uint64 epoch);
    /// @notice Sets are followed one epoch after the other
    error EpochNotNext(uint64 epoch, uint64 newestEpoch);
    /// @notice The registry cannot have fixed this epoch yet
    error EpochTooEarly(uint64 epoch, uint256 snapshotTime);
    /// @notice The block is not held
    error NotHeld(uint64 rollupId, uint64 blockNumber);
    /// @notice The higher certificate descends from the lower
    error NotConflicting();

    /// @notice An epoch's operator set is trusted from now on
    event OperatorSetTrusted(uint64 indexed epoch, bytes32 operatorSetHash);
    /// @notice A certificate was accepted and its block is held
    event CertificateAccepted(
        uint64 indexed rollupId, uint64 indexed blockNumber, bytes32 blockHash, bytes32 certificateId
    );
    /// @notice Two certificates conflict: nothing of the rollup is fast-final any more
    event RollupFroze(uint64 indexed rollupId, Conflict conflict);
    /// @notice A frozen rollup accepts certificates again, above this height
    event RollupResumed(uint64 indexed rollupId, uint64 floor);
    /// @notice A rollup is followed with this policy
    event PolicyChanged(uint64 indexed rollupId, uint16 thresholdBps, uint8 leastVerification);
    /// @notice New certificates are refused, or accepted again
    event PauseChanged(bool isPaused);

    /// @notice Accepts a certificate. Anyone may; one that is held already changes nothing.
    /// @dev A valid one for another claim at a held height freezes the rollup and is never held.
    /// @return isHeld Whether the block is held now: not where it conflicts, and not where as many
    /// greater heights are held as there is room for
    function submitCertificate(Certificates.Claim calldata claim, Certificates.Signers calldata signed)
        external
        returns (bool isHeld);

    /// @notice Follows a set update: exactly the epoch after the newest one. Anyone may; again it
    /// changes nothing.
    function submitSetUpdate(uint64 epoch, bytes32 operatorSetHash_, Certificates.Signers calldata signed)
        external;

    /// @notice Freezes a rollup whose held blocks are not of one chain. Anyone may.
    /// @param higherNumber The higher of the two held blocks
    /// @param headers From the higher block's down to the one just above the lower held block
    function submitFork(uint64 rollupId, uint64 higherNumber, bytes[] calldata headers) external;

    /// @notice Whether a block is certified and held. False for what is unknown, and for all blocks
    /// of a frozen rollup.
    function isFastFinal(uint64 rollupId, uint64 blockNumber, bytes32 blockHash)
        external
        view
        returns (bool);

    /// @notice The fast-final ancestor that is as many blocks below a held block as there are headers
    /// @dev Reverts where nothing is proved
    /// @param certifiedNumber The height of the held block
    /// @param headers Newest first, the held block's own first: RLP, or EraVM's 128 bytes
    function ancestorOf(uint64 rollupId, uint64 certifiedNumber, bytes[] calldata headers)
        external
        view
        returns (uint64 blockNumber, bytes32 blockHash);

    /// @notice The greatest height that is held, zero for none, and its block
    function newestBlock(uint64 rollupId) external view returns (uint64 blockNumber, bytes32 blockHash);

    /// @notice What a certificate of a rollup has to have; a threshold of zero where it is not followed
    function policy(uint64 rollupId) external view returns (Policy memory);

    /// @notice Why a rollup froze last, and whether it still is
    function conflict(uint64 rollupId) external view returns (Conflict memory, bool isFrozen);

    /// @notice The trusted hash of an epoch's operator set, zero where there is none
    function operatorSetHash(uint64 epoch) external view returns (bytes32);

    /// @notice The newest epoch whose operator set is trusted
    function newestEpoch() external view returns (uint64);

    /// @notice Whether new certificates are refused
    function isPaused() external view returns (bool);

    /// @notice The network that is followed and its epochs
    function network() external view returns (Network memory);

    /// @notice Follows a rollup, or changes its policy for later certificates. Owner only.
    function setPolicy(Policy calldata policy_) external;

    /// @notice Trusts the set of an epoch above the newest one, over a gap. Owner only.
    function trustOperatorSet(uint64 epoch, bytes32 operatorSetHash_) external;

    /// @notice Accepts certificates of a frozen rollup again, above all that it held. What conflicted
    /// stays out for ever. Owner only.
    /// @param floor At least the greatest height that was held
    function resumeRollup(uint64 rollupId, uint64 floor) external;

    /// @notice Refuses new certificates, or accepts them again; what is held stays. Owner only.
    function setPaused(bool isPaused_) external;
}
