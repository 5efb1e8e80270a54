// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where a payment begins, on the rollup: what FastPayments pays out on another chain
contract PaymentSource {
    /// @notice Nothing was sent
    error NoAmount();

    /// @notice A payment began
    event PaymentSent(uint256 indexed paymentId, address indexed recipient, uint256 amount);

    /// @notice keccak256(abi.encode(recipient, amount)) of each payment. In slot 0, where FastPayments
    /// looks for it.
    mapping(uint256 paymentId => bytes32) public payments;
    /// @notice How many payments have begun
    uint256 public paymentCount;

    /// @notice Begins a payment of what is sent
    function send(address recipient) external payable returns (uint256 paymentId) {
        if (msg.value == 0) revert NoAmount();
        paymentId = paymentCount++;
        payments[paymentId] = keccak256(abi.encode(recipient, msg.value));
        emit PaymentSent(paymentId, recipient, msg.value);
    }
}
