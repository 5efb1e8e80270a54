// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IFinalityLightClient} from "../interfaces/IFinalityLightClient.sol";

/// @title An example consumer: pays out what was paid into PaymentSource in a fast-final block
contract FastPayments {
    /// @notice A payment as it is in PaymentSource
    struct Payment {
        uint256 paymentId;
        address recipient;
        uint256 amount;
    }

    /// @notice Proves a payment's slot in a fast-final block
    struct Proof {
        /// @dev The height of the certified block, at or above the proved one
        uint64 certifiedNumber;
        /// @dev From the certified block's header down to the one above the proved block; none where
        /// they are one
        bytes[] headersAbove;
        /// @dev The proved block's header in RLP
        bytes header;
        /// @dev Of PaymentSource in the state, as eth_getProof gives it
        bytes[] accountProof;
        /// @dev Of the payment's slot in PaymentSource
        bytes[] storageProof;
    }

    /// @notice The payment has been made
    error AlreadyPaid(uint256 paymentId);
    /// @notice The header is not that of the fast-final block
    error NotTheHeader();
    /// @notice The slot holds another payment
    error AnotherPayment();

    /// @notice A payment was made
    event Paid(uint256 indexed paymentId, address indexed recipient, uint256 amount);

    /// @notice Says what is fast-final
    IFinalityLightClient public immutable lightClient;
    /// @notice The rollup on which payments begin
    uint64 public immutable rollupId;
    /// @notice PaymentSource on that rollup
    address public immutable source;
    /// @notice Which payments have been made
    mapping(uint256 paymentId => bool) public isPaid;

    constructor(IFinalityLightClient lightClient_, uint64 rollupId_, address source_) payable {
        (lightClient, rollupId, source) = (lightClient_, rollupId_, source_);
    }

    /// @notice Makes a payment that began in a fast-final block. Anyone may.
    function release(Payment calldata payment, Proof calldata proof) external {
        if (isPaid[payment.paymentId]) revert AlreadyPaid(payment.paymentId);
        isPaid[payment.paymentId] = true;
        (, bytes32 blockHash) = lightClient.ancestorOf(rollupId, proof.certifiedNumber, proof.headersAbove);
        if (keccak256(proof.header) != blockHash) revert NotTheHeader();
        bytes32 paid = _slotAt(BlockHeader.getStateRoot(proof.header), payment.paymentId, proof);
        if (paid != keccak256(abi.encode(payment.recipient, payment.amount))) revert AnotherPayment();
        emit Paid(payment.paymentId, payment.recipient, payment.amount);
        Address.sendValue(payable(payment.recipient), payment.amount);
    }

    function _slotAt(bytes32 stateRoot, uint256 paymentId, Proof calldata proof)
        private
        view
        returns (bytes32)
    {
        bytes memory account =
            TrieProof.traverse(stateRoot, abi.encodePacked(keccak256(abi.encodePacked(source))), proof.accountProof);
        // An account is [nonce, balance, storageRoot, codeHash].
        Memory.Slice[] memory fields = RLP.decodeList(account);
        bytes32 slot = keccak256(abi.encode(paymentId, uint256(0)));
        bytes memory value = TrieProof.traverse(
            RLP.readBytes32(fields[2]), abi.encodePacked(keccak256(abi.encodePacked(slot))), proof.storageProof
        );
        return RLP.decodeBytes32(value);
    }
}
