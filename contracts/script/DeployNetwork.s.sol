// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {IWeightSource} from "../src/interfaces/IWeightSource.sol";
import {IWeightedSources} from "../src/interfaces/IWeightedSources.sol";
import {DeploymentScript} from "./DeploymentScript.sol";
import {ITimelock} from "./ITimelock.sol";

/// @title Deploys a network on its L1: who backs what, with which stake, and who checks certificates
contract DeployNetwork is DeploymentScript {
    /// @dev What stands after a deployment
    struct Deployed {
        address timelock;
        address weightedSources;
        address registry;
        address slasher;
        address vault;
        address verifier;
        address asset;
    }

    /// @dev In seconds
    struct Times {
        uint64 genesisTime;
        uint64 epochSeconds;
        uint256 withdrawalDelay;
        ISlasher.Windows windows;
    }

    uint256 private constant MAX_ROLLUPS = 64;
    string private constant NAMES = "chainId salt deployer governors executors timelockDelaySeconds "
        "genesisTime epochSeconds acceptanceWindowSeconds challengeWindowSeconds evidenceWindowSeconds "
        "withdrawalDelaySeconds asset assetsPerWeight multiplierBps maxWeight minimumWeight slashing "
        "rollups";
    string private constant SLASHING_NAMES = "doubleAttestation attestationAgainstCertificate "
        "conflictingCertificates falseSetUpdate settlementLie destination reporterShareBps";
    string private constant ROLLUP_NAMES = "rollupId stack attestationInterval thresholdBps verification "
        "settlement settlementSeconds";

    /// @notice Deploys what does not stand yet, and leaves every power with the timelock
    /// @param json The parameters: script/network.example.json has each of them
    function run(string calldata json)
        external
        returns (
            address timelock,
            address weightedSources,
            address registry,
            address slasher,
            address vault,
            address verifier,
            address asset
        )
    {
        Deployed memory deployed = _run(json);
        timelock = deployed.timelock;
        weightedSources = deployed.weightedSources;
        registry = deployed.registry;
        slasher = deployed.slasher;
        vault = deployed.vault;
        verifier = deployed.verifier;
        asset = deployed.asset;
    }

    function _run(string memory json) private returns (Deployed memory deployed) {
        _requireKeys(json, "$", NAMES);
        Plan memory plan = _readPlan(json);
        Powers memory powers = _readPowers(json, plan.deployer);
        Times memory times = _readTimes(json, powers.delay);
        deployed.asset = _deployAsset(plan, json);
        ITimelock timelock = _deployTimelock(plan);
        deployed.timelock = address(timelock);
        // The registry needs weights, the slasher the registry, and the vault, which weighs, the slasher:
        // so the vault becomes a source by its address, before it stands.
        deployed.weightedSources = _deploy(plan, "WeightedSources", abi.encode(timelock), 0);
        deployed.registry = _deployRegistry(plan, deployed, times);
        bytes memory slasherArguments = _slasherArguments(deployed, times, json);
        deployed.slasher = _addressOf(plan, "Slasher", slasherArguments);
        bytes memory vaultArguments = abi.encode(
            deployed.asset,
            _uint(json, "assetsPerWeight", 1, type(uint128).max),
            times.withdrawalDelay,
            deployed.slasher
        );
        deployed.vault = _addressOf(plan, "StakeVault", vaultArguments);
        Calls memory calls = _newCalls();
        _addSource(calls, deployed, json);
        _addRollups(calls, deployed.registry, times.windows.challenge, json);
        // From here on the timelock has its delay, without which the slasher takes no owner.
        HandOver memory handOver = _scheduleHandOver(plan, powers, timelock, calls);
        _deploy(plan, "Slasher", slasherArguments, 0);
        _deploy(plan, "StakeVault", vaultArguments, 0);
        deployed.verifier = _deploy(plan, "CertificateVerifier", "", 0);
        _finishHandOver(plan, powers, timelock, handOver);
    }

    function _deployRegistry(Plan memory plan, Deployed memory deployed, Times memory times)
        private
        returns (address)
    {
        bytes memory arguments = abi.encode(
            deployed.timelock, deployed.weightedSources, times.genesisTime, times.epochSeconds
        );
        bool stands = _addressOf(plan, "Registry", arguments).code.length != 0;
        _require(stands || times.genesisTime > block.timestamp, "genesisTime", "is in the future");
        return _deploy(plan, "Registry", arguments, 0);
    }

    function _readTimes(string memory json, uint256 timelockDelay) private view returns (Times memory times) {
        times.genesisTime = uint64(_uint(json, "genesisTime", 1, type(uint48).max));
        times.epochSeconds = uint64(_uint(json, "epochSeconds", 1, 365 days));
        times.withdrawalDelay = _uint(json, "withdrawalDelaySeconds", 1, 365 days);
        times.windows = _readWindows(json);
        _require(
            times.withdrawalDelay > 2 * uint256(times.epochSeconds) + times.windows.evidence
                + 2 * uint256(times.windows.challenge),
            "withdrawalDelaySeconds",
            "is more than two epochs, evidenceWindowSeconds and two challengeWindowSeconds, or stake leaves "
            "before evidence of its lie"
        );
        // Strictly longer than an exit, whatever the governors make of the timelock's delay later.
        times.windows.minimumDelay = uint64(times.withdrawalDelay + 1);
        _require(
            timelockDelay > times.withdrawalDelay,
            "timelockDelaySeconds",
            "is more than withdrawalDelaySeconds, so that stake can leave before a change that it dislikes"
        );
    }

    function _readWindows(string memory json) private view returns (ISlasher.Windows memory windows) {
        windows.acceptance = uint64(_uint(json, "acceptanceWindowSeconds", 1, 365 days));
        windows.challenge = uint64(_uint(json, "challengeWindowSeconds", 1, 365 days));
        windows.evidence = uint64(_uint(json, "evidenceWindowSeconds", 1, 365 days));
        _require(
            windows.evidence > uint256(windows.acceptance) + windows.challenge,
            "evidenceWindowSeconds",
            "is more than acceptanceWindowSeconds and challengeWindowSeconds, with time to be included"
        );
    }

    function _slasherArguments(Deployed memory deployed, Times memory times, string memory json)
        private
        view
        returns (bytes memory)
    {
        _requireKeys(json, ".slashing", SLASHING_NAMES);
        string[] memory names = vm.split(SLASHING_NAMES, " ");
        ISlasher.Parameters memory parameters;
        // The fractions come first, in the order of ISlasher.Kind.
        for (uint256 i = 0; i < parameters.wads.length; i++) {
            parameters.wads[i] = uint64(_uint(json, string.concat("slashing.", names[i]), 1, 1e18));
        }
        parameters.destination = vm.parseJsonAddress(json, ".slashing.destination");
        _require(parameters.destination != address(0), "slashing.destination", "is an account");
        parameters.reporterShareBps = uint16(_uint(json, "slashing.reporterShareBps", 0, 1_000));
        return abi.encode(deployed.timelock, deployed.registry, times.windows, parameters);
    }

    function _deployAsset(Plan memory plan, string memory json) private returns (address asset) {
        asset = vm.parseJsonAddress(json, ".asset");
        if (asset == address(0)) {
            // Anyone may mint it: where the chain is worth something, so must be the asset.
            _require(block.chainid == 31_337, "asset", "is a token, zero on the local network alone");
            return _deploy(plan, "LocalToken", "", 0);
        }
        _require(asset.code.length != 0, "asset", "is a contract");
    }

    function _addSource(Calls memory calls, Deployed memory deployed, string memory json) private view {
        uint32 multiplierBps = uint32(_uint(json, "multiplierBps", 1, 1_000_000));
        uint128 maxWeight = uint128(_uint(json, "maxWeight", 1, type(uint128).max));
        _add(
            calls,
            deployed.weightedSources,
            abi.encodeCall(
                IWeightedSources.setSource, (IWeightSource(deployed.vault), multiplierBps, maxWeight)
            )
        );
        uint256 minimumWeight = _uint(json, "minimumWeight", 1, type(uint128).max);
        _add(calls, deployed.registry, abi.encodeCall(IRegistry.setMinimumWeight, (minimumWeight)));
    }

    function _addRollups(Calls memory calls, address registry, uint64 challengeWindow, string memory json)
        private
        view
    {
        uint256 count = _count(json, "rollups", MAX_ROLLUPS);
        for (uint256 i = 0; i < count; i++) {
            string memory path = _at("rollups", i);
            bytes memory call = _addRollup(json, path);
            _requireSettlementInTime(json, path, challengeWindow);
            _add(calls, registry, call);
        }
    }

    /// @dev With an adapter anyone can charge, and what excuses operators whom a sequencer's reorg misled
    /// may be settlement alone: where it comes after the end of a charge, the honest are slashed.
    function _requireSettlementInTime(string memory json, string memory path, uint64 challengeWindow)
        private
        view
    {
        address settlement = vm.parseJsonAddress(json, string.concat(path, ".settlement"));
        string memory name = string.concat(path, ".settlementSeconds");
        uint256 time = _uintAt(json, name, 0, 365 days);
        _require(
            settlement == address(0) ? time == 0 : time > 0 && time < challengeWindow,
            name,
            "is how long L1 takes to settle a block, less than challengeWindowSeconds; zero without settlement"
        );
    }

    function _addRollup(string memory json, string memory path) private view returns (bytes memory) {
        _requireKeys(json, path, ROLLUP_NAMES);
        bytes memory stack = bytes(vm.parseJsonString(json, string.concat(path, ".stack")));
        _require(stack.length > 0 && stack.length <= 32, "stack", "is a name of 1 to 32 bytes");
        return abi.encodeCall(
            IRegistry.addRollup,
            (
                uint64(_uintAt(json, string.concat(path, ".rollupId"), 1, type(uint64).max)),
                bytes32(stack),
                uint64(_uintAt(json, string.concat(path, ".attestationInterval"), 1, type(uint64).max)),
                uint16(_uintAt(json, string.concat(path, ".thresholdBps"), 6667, 10_000)),
                uint8(_uintAt(json, string.concat(path, ".verification"), 1, 2)),
                vm.parseJsonAddress(json, string.concat(path, ".settlement"))
            )
        );
    }
}
