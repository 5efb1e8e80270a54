// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {IFinalityLightClient} from "./interfaces/IFinalityLightClient.sol";
import {IHyperlaneFinalityModule} from "./interfaces/IHyperlaneFinalityModule.sol";
import {IInterchainSecurityModule} from "./interfaces/IInterchainSecurityModule.sol";

/// @title Delivers Hyperlane messages that were dispatched in a fast-final block
contract HyperlaneFinalityModule is IHyperlaneFinalityModule {
    using Memory for Memory.Slice;
    using RLP for Memory.Slice;

    /// @dev version (1), nonce (4), origin (4), sender (32), destination (4), recipient (32), body
    uint256 private constant MESSAGE_HEADER_LENGTH = 77;
    uint8 private constant CCIP_READ = 7;
    bytes32 private constant DISPATCH_ID = keccak256("DispatchId(bytes32)");

    /// @inheritdoc IHyperlaneFinalityModule
    IFinalityLightClient public immutable lightClient;
    /// @inheritdoc IHyperlaneFinalityModule
    uint64 public immutable rollupId;
    /// @inheritdoc IHyperlaneFinalityModule
    uint32 public immutable origin;
    /// @inheritdoc IHyperlaneFinalityModule
    address public immutable mailbox;
    /// @inheritdoc IInterchainSecurityModule
    uint8 public constant moduleType = CCIP_READ;

    string[] private _urls;

    /// @param urls Where relayers ask for metadata (EIP-3668); who answers is trusted for nothing
    constructor(
        IFinalityLightClient lightClient_,
        uint64 rollupId_,
        uint32 origin_,
        address mailbox_,
        string[] memory urls
    ) {
        if (
            address(lightClient_).code.length == 0 || rollupId_ == 0 || origin_ == 0
                || mailbox_ == address(0)
        ) revert InvalidConfiguration();
        (lightClient, rollupId, origin, mailbox, _urls) = (lightClient_, rollupId_, origin_, mailbox_, urls);
    }

    /// @inheritdoc IInterchainSecurityModule
    /// @dev Reverts, with what is wrong, rather than return false
    function verify(bytes calldata metadata, bytes calldata message) external view returns (bool) {
        if (message.length < MESSAGE_HEADER_LENGTH || uint32(bytes4(message[5:9])) != origin) {
            revert InvalidMessage();
        }
        Proof memory proof = abi.decode(metadata, (Proof));
        (, bytes32 blockHash) = lightClient.ancestorOf(rollupId, proof.certifiedNumber, proof.headersAbove);
        if (keccak256(proof.header) != blockHash) revert NotTheHeader();
        bytes memory receipt = TrieProof.traverse(
            BlockHeader.getReceiptsRoot(proof.header), RLP.encode(proof.transactionIndex), proof.receiptProof
        );
        bytes32 messageId = keccak256(message);
        if (!_hasDispatched(receipt, proof.logIndex, messageId)) revert NotDispatched(messageId);
        return true;
    }

    /// @inheritdoc IInterchainSecurityModule
    function getOffchainVerifyInfo(bytes calldata message) external view {
        revert OffchainLookup(address(this), _urls, message, this.verify.selector, message);
    }

    /// @dev A receipt is [status, gas, bloom, logs], behind a byte for its type but for the oldest; a
    /// log is [address, topics, data]. The Mailbox is at one address and nobody else logs as it.
    function _hasDispatched(bytes memory receipt, uint256 logIndex, bytes32 messageId)
        private
        view
        returns (bool)
    {
        Memory.Slice encoded = Memory.asSlice(receipt);
        if (uint8(receipt[0]) < 0xc0) encoded = encoded.slice(1);
        Memory.Slice[] memory logs = encoded.readList()[3].readList();
        if (logIndex >= logs.length) return false;
        Memory.Slice[] memory log = logs[logIndex].readList();
        if (log[0].readAddress() != mailbox) return false;
        Memory.Slice[] memory topics = log[1].readList();
        return topics.length == 2 && topics[0].readBytes32() == DISPATCH_ID
            && topics[1].readBytes32() == messageId;
    }
}
