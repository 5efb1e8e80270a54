// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeploymentScript} from "./DeploymentScript.sol";

/// @title Deploys the example payments, for local networks: one end on each of two rollups
contract DeployExamples is DeploymentScript {
    string private constant NAMES = "chainId salt deployer lightClient paymentsFrom fundWei";

    /// @notice Deploys what does not stand yet
    /// @param json The parameters, all named in NAMES
    /// @return paymentSource Where payments from this chain begin
    /// @return fastPayments Pays out, under the light client, what began on the rollup `paymentsFrom`;
    /// zero where that is zero
    function run(string calldata json) external returns (address paymentSource, address fastPayments) {
        _requireKeys(json, "$", NAMES);
        Plan memory plan = _readPlan(json);
        paymentSource = _deploy(plan, "PaymentSource", "", 0);
        uint256 rollupId = _uint(json, "paymentsFrom", 0, type(uint64).max);
        uint256 fund = _uint(json, "fundWei", 0, 1_000 ether);
        if (rollupId == 0) return (paymentSource, address(0));
        address lightClient = vm.parseJsonAddress(json, ".lightClient");
        _require(lightClient.code.length != 0, "lightClient", "is a contract");
        // The source's address is the same on every chain: it depends on no argument.
        bytes memory arguments = abi.encode(lightClient, rollupId, paymentSource);
        fastPayments = _deploy(plan, "FastPayments", arguments, fund);
    }
}
