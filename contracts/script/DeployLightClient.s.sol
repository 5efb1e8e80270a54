// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFinalityLightClient} from "../src/interfaces/IFinalityLightClient.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {DeploymentScript} from "./DeploymentScript.sol";
import {ITimelock} from "./ITimelock.sol";

/// @title Deploys a light client of a network on any chain with EIP-2537
contract DeployLightClient is DeploymentScript {
    uint256 private constant MAX_ROLLUPS = 64;
    string private constant NAMES = "chainId salt deployer governors executors timelockDelaySeconds "
        "l1ChainId registry genesisTime epochSeconds acceptanceWindowSeconds "
        "epoch operatorSetHash rollups";
    string private constant ROLLUP_NAMES = "rollupId thresholdBps leastVerification";

    /// @dev The precompile of EIP-2537 that adds in G1
    address private constant G1_ADD = address(0x0b);

    /// @notice The chain has no EIP-2537: a light client there could check nothing
    error NoBlsPrecompiles();

    /// @notice Deploys what does not stand yet, and leaves every power with the timelock
    /// @param json The parameters: script/light-client.example.json has each of them
    /// @return timelock The light client's owner
    /// @return lightClient Trusts the operator set of the parameters, and follows from there
    function run(string calldata json) external returns (address timelock, address lightClient) {
        _requireKeys(json, "$", NAMES);
        Plan memory plan = _readPlan(json);
        Powers memory powers = _readPowers(json, plan.deployer);
        _requireBls();
        ITimelock owner = _deployTimelock(plan);
        HandOver memory handOver = _scheduleHandOver(plan, powers, owner, _newCalls());
        timelock = address(owner);
        lightClient = _deployLightClient(plan, timelock, json);
        _finishHandOver(plan, powers, owner, handOver);
    }

    function _deployLightClient(Plan memory plan, address timelock, string memory json)
        private
        returns (address)
    {
        IFinalityLightClient.Network memory network = IFinalityLightClient.Network({
            domain: Certificates.Domain({
                chainId: _uint(json, "l1ChainId", 1, type(uint64).max),
                verifyingContract: vm.parseJsonAddress(json, ".registry")
            }),
            genesisTime: uint64(_uint(json, "genesisTime", 1, type(uint48).max)),
            epochSeconds: uint64(_uint(json, "epochSeconds", 1, 365 days)),
            acceptanceWindow: uint64(_uint(json, "acceptanceWindowSeconds", 1, 365 days))
        });
        uint64 epoch = uint64(_uint(json, "epoch", 0, type(uint48).max));
        // Whoever gives it has read it from the registry: nothing on this chain can.
        bytes32 setHash = vm.parseJsonBytes32(json, ".operatorSetHash");
        _require(setHash != 0, "operatorSetHash", "is what the registry on L1 has fixed for the epoch");
        bytes memory arguments = abi.encode(timelock, network, epoch, setHash, _readPolicies(json));
        return _deploy(plan, "FinalityLightClient", arguments, 0);
    }

    function _readPolicies(string memory json)
        private
        view
        returns (IFinalityLightClient.Policy[] memory policies)
    {
        uint256 count = _count(json, "rollups", MAX_ROLLUPS);
        policies = new IFinalityLightClient.Policy[](count);
        for (uint256 i = 0; i < count; i++) {
            string memory path = _at("rollups", i);
            _requireKeys(json, path, ROLLUP_NAMES);
            policies[i] = IFinalityLightClient.Policy({
                rollupId: uint64(_uintAt(json, string.concat(path, ".rollupId"), 1, type(uint64).max)),
                thresholdBps: uint16(_uintAt(json, string.concat(path, ".thresholdBps"), 6667, 10_000)),
                leastVerification: uint8(_uintAt(json, string.concat(path, ".leastVerification"), 1, 2))
            });
        }
    }

    /// @dev Infinity and infinity are infinity: a chain without the precompile answers nothing
    function _requireBls() private view {
        (bool isDone, bytes memory sum) = G1_ADD.staticcall(new bytes(256));
        if (!isDone || sum.length != 128) revert NoBlsPrecompiles();
    }
}
