// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeightSource} from "./IWeightSource.sol";

/// @title The registry of rollups, operators and epochs
/// @notice Operators and parameters of an epoch are those of its snapshot: the state after all blocks
/// with a timestamp below snapshotTime(epoch). Everything that an epoch depends on is kept as
/// checkpoints by timestamp, so that fixing it gives one result, whenever it is done and by whomever.
interface IRegistry {
    /// @notice A rollup and what its operators sign
    struct Rollup {
        /// @dev EIP-155 chain id
        uint64 rollupId;
        /// @dev The stack's name in ASCII, padded with zeros on the right
        bytes32 stack;
        /// @dev Blocks whose number is a multiple of this are attested
        uint64 attestationInterval;
        /// @dev 6667 to 10000
        uint16 thresholdBps;
        /// @dev 1 `header`, 2 `executed`
        uint8 verification;
        /// @dev An ISettlement of this rollup, or zero where L1 cannot read how the rollup settled
        address settlement;
    }

    /// @notice genesisTime is not in the future, epochSeconds is zero, or weightSource is no contract
    error InvalidConfiguration();
    /// @notice A rollup's parameter is zero or out of range, or its settlement is another rollup's
    error InvalidRollup();
    /// @notice The id is taken, also when its rollup has been retired: an id is never used again
    error RollupAlreadyAdded(uint64 rollupId);
    /// @notice No rollup of this id, or not in this epoch, or it has been retired
    error UnknownRollup(uint64 rollupId);
    /// @notice The registry holds its maximum of rollups
    error TooManyRollups();
    /// @notice The registry holds its maximum of operators
    error TooManyOperators();
    /// @notice The operator has registered a key
    error OperatorAlreadyRegistered(address operator);
    /// @notice The operator has registered no key that it could rotate
    error OperatorNotRegistered(address operator);
    /// @notice The operator's present weight is below what a registration needs
    error WeightTooLow(uint256 weight, uint256 minimumWeight);
    /// @notice Not 128 bytes, not the canonical encoding, or infinity
    error InvalidPublicKey();
    /// @notice Not 256 bytes, not the canonical encoding, infinity, or not by this key for this operator
    error InvalidProof();
    /// @notice The key has been registered, by whomever: a key is registered once, ever
    error KeyAlreadyRegistered(bytes32 publicKeyHash);
    /// @notice The snapshot of this epoch is not determined before this time
    error SnapshotNotReady(uint64 epoch, uint256 snapshotTime);
    /// @notice No operator has weight in the snapshot: the epoch has no set
    error NoOperators(uint64 epoch);

    /// @notice A rollup was added
    event RollupAdded(
        uint64 indexed rollupId,
        bytes32 stack,
        uint64 attestationInterval,
        uint16 thresholdBps,
        uint8 verification,
        address settlement
    );
    /// @notice A rollup's parameters were changed, for the epochs with a later snapshot
    event RollupChanged(
        uint64 indexed rollupId,
        bytes32 stack,
        uint64 attestationInterval,
        uint16 thresholdBps,
        uint8 verification,
        address settlement
    );
    /// @notice A rollup was retired, for the epochs with a later snapshot
    event RollupRetired(uint64 indexed rollupId);
    /// @notice An operator registered a key; nonce is how many it had registered before
    event KeyRegistered(address indexed operator, bytes publicKey, uint256 nonce);
    /// @notice The weight that a registration needs was changed
    event MinimumWeightChanged(uint256 minimumWeight);
    /// @notice An epoch's operator set was fixed
    event EpochFixed(uint64 indexed epoch, bytes32 operatorSetHash);

    /// @notice Fixes an epoch's operator set. Anyone may; fixing it again changes nothing.
    /// @dev Reverts before the snapshot is determined, without an operator, and when the weight
    /// source fails.
    /// @return The epoch's operatorSetHash
    function fixEpoch(uint64 epoch) external returns (bytes32);

    /// @notice Fixes an epoch's operator set in several calls, for sets that one cannot. Anyone may; the
    /// calls of all continue one another, and the result is that of fixEpoch.
    /// @param limit How many of the registered operators to look at in this call
    /// @return The epoch's operatorSetHash, zero while operators are left
    function fixEpochInParts(uint64 epoch, uint256 limit) external returns (bytes32);

    /// @notice Gives the caller, an operator, another key for the epochs with a later snapshot
    /// @dev Epochs whose snapshot has passed keep the key before, which stays taken for ever.
    /// @param publicKey 128 bytes: the G1 point as EIP-2537 takes it
    /// @param proof 256 bytes: the G2 point of the signature over the KeyRegistration digest, with the
    /// number of keys so far as its nonce
    function rotateKey(bytes calldata publicKey, bytes calldata proof) external;

    /// @notice Registers the caller as an operator
    /// @param publicKey 128 bytes: the G1 point as EIP-2537 takes it
    /// @param proof 256 bytes: the G2 point of the signature over the KeyRegistration digest
    function registerOperator(bytes calldata publicKey, bytes calldata proof) external;

    /// @notice The hash of an epoch's operator set, zero where it was never fixed
    function operatorSetHash(uint64 epoch) external view returns (bytes32);

    /// @notice An epoch's operators in ascending order of address, with what the hash is made of
    /// @dev Reverts with SnapshotNotReady before the snapshot is determined. Does not say that the
    /// epoch was fixed.
    function operatorsAt(uint64 epoch)
        external
        view
        returns (address[] memory operators, bytes32[4][] memory publicKeys, uint256[] memory weights);

    /// @notice The rollups of an epoch with their parameters, in the order in which they were added
    /// @dev Reverts with SnapshotNotReady before the snapshot is determined
    function rollupsAt(uint64 epoch) external view returns (Rollup[] memory);

    /// @notice One rollup of an epoch with its parameters
    /// @dev Reverts with UnknownRollup where the epoch's snapshot does not have it, and with
    /// SnapshotNotReady before the snapshot is determined
    function rollupAt(uint64 rollupId, uint64 epoch) external view returns (Rollup memory);

    /// @notice The snapshot is the state after all blocks with a timestamp below this, in seconds
    function snapshotTime(uint64 epoch) external view returns (uint256);

    /// @notice Up to `limit` registered operators above the address `after_`, ascending
    function operators(address after_, uint256 limit) external view returns (address[] memory);

    /// @notice How many operators are registered
    function operatorCount() external view returns (uint256);

    /// @notice How many keys an operator has registered: the nonce of its next proof of possession
    function keyCount(address operator) external view returns (uint256);

    /// @notice The least weight with which an operator may register; what it has later is its affair
    function minimumWeight() external view returns (uint256);

    /// @notice Where weights come from
    function weightSource() external view returns (IWeightSource);

    /// @notice When epoch 0 begins, in seconds
    function genesisTime() external view returns (uint64);

    /// @notice How long an epoch lasts
    function epochSeconds() external view returns (uint64);

    /// @notice Adds a rollup. Owner only.
    function addRollup(
        uint64 rollupId,
        bytes32 stack,
        uint64 attestationInterval,
        uint16 thresholdBps,
        uint8 verification,
        address settlement
    ) external;

    /// @notice Changes a rollup's parameters for the epochs with a later snapshot. Owner only.
    function setRollup(
        uint64 rollupId,
        bytes32 stack,
        uint64 attestationInterval,
        uint16 thresholdBps,
        uint8 verification,
        address settlement
    ) external;

    /// @notice Ends a rollup for the epochs with a later snapshot, for ever. Owner only.
    function retireRollup(uint64 rollupId) external;

    /// @notice Changes the weight that a registration needs, against floods. Owner only.
    function setMinimumWeight(uint256 minimumWeight_) external;
}
