// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What Hyperlane's Mailbox and relayers ask of a security module
/// @dev Written from Hyperlane's public interfaces, the module that reads its metadata by EIP-3668
/// among them.
interface IInterchainSecurityModule {
    /// @notice Where a relayer gets a message's metadata (EIP-3668)
    error OffchainLookup(
        address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData
    );

    /// @notice Whether a message may be delivered. The Mailbox calls it.
    /// @param metadata What proves the message, from a relayer
    /// @param message As Hyperlane encodes it
    function verify(bytes calldata metadata, bytes calldata message) external returns (bool);

    /// @notice Reverts with OffchainLookup, by which relayers find the metadata
    function getOffchainVerifyInfo(bytes calldata message) external view;

    /// @notice How relayers find the metadata: 7 is by EIP-3668
    function moduleType() external view returns (uint8);
}
