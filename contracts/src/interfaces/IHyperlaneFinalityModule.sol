// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFinalityLightClient} from "./IFinalityLightClient.sol";
import {IInterchainSecurityModule} from "./IInterchainSecurityModule.sol";

/// @title Delivers Hyperlane messages that were dispatched in a fast-final block
/// @notice For the messages of one rollup; Hyperlane's routing module puts several together. It has no
/// owner and no validators: what it trusts is the light client.
interface IHyperlaneFinalityModule is IInterchainSecurityModule {
    /// @notice What metadata is, by abi.encode: the Mailbox's log of the dispatch in a fast-final block
    struct Proof {
        /// @dev The height of the certified block, at or above the one of the dispatch
        uint64 certifiedNumber;
        /// @dev From the certified block's header down to the one above the dispatch's block; none
        /// where they are one
        bytes[] headersAbove;
        /// @dev The header of the dispatch's block in RLP
        bytes header;
        /// @dev The transaction's index in that block
        uint256 transactionIndex;
        /// @dev The nodes from the receipts root to the transaction's receipt
        bytes[] receiptProof;
        /// @dev The index of the log DispatchId within the receipt
        uint256 logIndex;
    }

    /// @notice An address is no contract or zero
    error InvalidConfiguration();
    /// @notice The message is too short, or of another origin
    error InvalidMessage();
    /// @notice The header is not that of the fast-final block
    error NotTheHeader();
    /// @notice The log is not the Mailbox's for this message
    error NotDispatched(bytes32 messageId);

    /// @notice Says what is fast-final
    function lightClient() external view returns (IFinalityLightClient);

    /// @notice The rollup that messages come from
    function rollupId() external view returns (uint64);

    /// @notice The rollup's domain in Hyperlane
    function origin() external view returns (uint32);

    /// @notice Hyperlane's Mailbox on the rollup
    function mailbox() external view returns (address);
}
