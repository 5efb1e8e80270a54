// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {DeploymentScript} from "../script/DeploymentScript.sol";
import {DeployNetwork} from "../script/DeployNetwork.s.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IWeightedSources} from "../src/interfaces/IWeightedSources.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {OpSettlement} from "../src/OpSettlement.sol";
import {Registry} from "../src/Registry.sol";
import {Slasher} from "../src/Slasher.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {WeightedSources} from "../src/WeightedSources.sol";
import {AnchorStateRegistryDouble} from "./AnchorStateRegistryDouble.sol";
import {DeploymentTestBase} from "./DeploymentTestBase.sol";

/// @dev What stands, as the script returns it
struct Network {
    address timelock;
    address weightedSources;
    address registry;
    address slasher;
    address vault;
    address verifier;
    address asset;
}

contract DeploymentTest is DeploymentTestBase {
    string private constant DEPLOYERS = '["0x00000000000000000000000000000000000000d1"]';
    string private constant NOBODYS = '["0x0000000000000000000000000000000000000000"]';

    DeployNetwork private script;
    string private example;

    function setUp() external {
        setUpChain(1);
        script = new DeployNetwork();
        example = vm.readFile("script/network.example.json");
        vm.etch(0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0, hex"00");
    }

    function test_deploysWhatTheExampleSays() external {
        Network memory network = _run(example);
        Registry registry = Registry(network.registry);
        StakeVault vault = StakeVault(network.vault);
        assertEq(registry.genesisTime(), GENESIS);
        assertEq(registry.epochSeconds(), 1 days);
        assertEq(registry.minimumWeight(), 32);
        assertEq(address(registry.weightSource()), network.weightedSources);
        assertEq(address(vault.asset()), network.asset);
        assertEq(vault.assetsPerWeight(), 1 ether);
        assertEq(vault.withdrawalDelay(), 14 days);
        assertTrue(network.verifier.code.length != 0);
        assertEq(vault.slasher(), network.slasher);
        Slasher slasher = Slasher(network.slasher);
        assertEq(address(slasher.registry()), network.registry);
        assertEq(abi.encode(slasher.windows()), abi.encode(1 days, 2 days, 7 days, 14 days + 1));
        assertEq(
            abi.encode(slasher.parameters()),
            abi.encode(0.5e18, 0.5e18, 1e18, 1e18, 1e18, address(0xb1), 500)
        );

        IWeightedSources.Source[] memory sources =
            WeightedSources(network.weightedSources).sourcesAt(vm.getBlockTimestamp() + 1);
        assertEq(sources.length, 1);
        assertEq(abi.encode(sources[0]), abi.encode(network.vault, 10_000, 100_000));

        vm.warp(GENESIS);
        IRegistry.Rollup[] memory rollups = registry.rollupsAt(0);
        assertEq(rollups.length, 2);
        assertEq(abi.encode(rollups[0]), abi.encode(10, bytes32("op"), 1, 6667, 1, address(0)));
        assertEq(abi.encode(rollups[1]), abi.encode(42_161, bytes32("orbit"), 4, 6667, 1, address(0)));
    }

    function test_everyPowerIsTheTimelocksAndTheDeployerHasNone() external {
        Network memory network = _run(example);
        TimelockController timelock = TimelockController(payable(network.timelock));
        assertEq(Registry(network.registry).owner(), network.timelock);
        assertEq(WeightedSources(network.weightedSources).owner(), network.timelock);
        assertEq(Slasher(network.slasher).owner(), network.timelock);
        assertEq(timelock.getMinDelay(), DELAY);
        assertPowerless(timelock, DEPLOYER);
        assertPowerless(timelock, PROXY);
        assertPowerless(timelock, address(script));
        assertGoverned(timelock, network.registry, abi.encodeCall(IRegistry.retireRollup, (10)));
        ISlasher.Parameters memory parameters = Slasher(network.slasher).parameters();
        parameters.reporterShareBps = 0;
        assertGoverned(timelock, network.slasher, abi.encodeCall(ISlasher.setParameters, (parameters)));
        assertEq(Slasher(network.slasher).parameters().reporterShareBps, 0);
    }

    function test_againDeploysNothingAndSaysWhatStands() external {
        Network memory network = _run(example);
        // After genesis too, when nothing could be deployed any more.
        vm.warp(GENESIS + 30 days);
        vm.recordLogs();
        assertEq(abi.encode(_run(example)), abi.encode(network));
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_whatSomebodyElseDeployedFirstIsTheSame() external {
        uint256 before = vm.snapshotState();
        Network memory network = _run(example);
        assertTrue(vm.revertToState(before));
        assertEq(network.timelock.code.length, 0);
        address[] memory deployer = new address[](1);
        deployer[0] = DEPLOYER;
        bytes memory creation = bytes.concat(
            type(TimelockController).creationCode, abi.encode(0, deployer, deployer, address(0))
        );
        vm.prank(address(0xF00D));
        bytes memory salt = hex"4d41434800000000000000000000000000000000000000000000000000000001";
        (bool isDone,) = PROXY.call(bytes.concat(salt, creation));
        assertTrue(isDone);
        assertTrue(network.timelock.code.length != 0);
        assertEq(abi.encode(_run(example)), abi.encode(network));
    }

    function test_otherParametersForTheSameTimelockAreTheGovernors() external {
        Network memory network = _run(example);
        string memory other = with(example, '"minimumWeight": "32"', '"minimumWeight": "1"');
        vm.expectRevert(
            abi.encodeWithSelector(DeploymentScript.AlreadyHandedOver.selector, network.timelock)
        );
        script.run(other);
    }

    function test_refusesAnotherChainAndOneWithoutTheProxy() external {
        vm.chainId(5);
        vm.expectRevert(abi.encodeWithSelector(DeploymentScript.WrongChain.selector, 5, 1));
        script.run(example);
        vm.chainId(1);
        vm.etch(PROXY, "");
        vm.expectRevert(abi.encodeWithSelector(DeploymentScript.NoDeploymentProxy.selector, PROXY));
        script.run(example);
    }

    function test_refusesParametersThatAreUnsafeMissingOrUnknown() external {
        string memory none = _adapter("00", "0");
        string[3][25] memory changes = [
            // Stake that leaves before evidence of its lie, powers that act before stake can leave.
            [
                '"withdrawalDelaySeconds": "1209600"',
                '"withdrawalDelaySeconds": "777600"',
                "withdrawalDelaySeconds"
            ],
            ['"timelockDelaySeconds": "1382400"', '"timelockDelaySeconds": "1209600"', "timelockDelaySeconds"],
            ['"timelockDelaySeconds": "1382400"', '"timelockDelaySeconds": "99999999999"', ".timelockDelaySeconds"],
            ['"evidenceWindowSeconds": "604800"', '"evidenceWindowSeconds": "259200"', "evidenceWindowSeconds"],
            [
                '"doubleAttestation": "500000000000000000"',
                '"doubleAttestation": "0"',
                ".slashing.doubleAttestation"
            ],
            ['"reporterShareBps": "500"', '"reporterShareBps": "1001"', ".slashing.reporterShareBps"],
            // Powers that the deployer would keep, or that nobody would have.
            ['["0x00000000000000000000000000000000000000a1"]', DEPLOYERS, "governors"],
            ['["0x00000000000000000000000000000000000000a1"]', NOBODYS, "governors"],
            ['["0x00000000000000000000000000000000000000a1"]', "[]", "governors"],
            [NOBODYS, DEPLOYERS, "executors"],
            [NOBODYS, "[]", "executors"],
            // A genesis that has passed, an asset that is none or that anyone mints.
            ['"genesisTime": "1830297600"', '"genesisTime": "1830211200"', "genesisTime"],
            ["0x7f39c581f595b53c5cb19bd0b3f8da6c935e2ca0", "0x7f39c581f595b53c5cb19bd0b3f8da6c935e2ca1", "asset"],
            ["0x7f39c581f595b53c5cb19bd0b3f8da6c935e2ca0", "0x0000000000000000000000000000000000000000", "asset"],
            // Out of range: also the threshold in per cent.
            ['"epochSeconds": "86400"', '"epochSeconds": "0"', ".epochSeconds"],
            ['"thresholdBps": "6667"', '"thresholdBps": "67"', ".rollups[0].thresholdBps"],
            ['"thresholdBps": "6667"', '"thresholdBps": "6666"', ".rollups[0].thresholdBps"],
            ['"verification": "1"', '"verification": "3"', ".rollups[0].verification"],
            ['"stack": "op"', '"stack": ""', "stack"],
            ['"multiplierBps": "10000"', '"multiplierBps": "1000001"', ".multiplierBps"],
            // An adapter that settles when charges are over, or nobody knows when; a time without one.
            [none, _adapter("c1", "172800"), ".rollups[0].settlementSeconds"],
            [none, _adapter("c1", "0"), ".rollups[0].settlementSeconds"],
            [none, _adapter("00", "1"), ".rollups[0].settlementSeconds"],
            // Misspelled.
            ['"minimumWeight"', '"minimumWeigth"', "minimumWeight"],
            ['"settlement"', '"setlement"', "settlement"]
        ];
        for (uint256 i = 0; i < changes.length; i++) {
            try script.run(with(example, changes[i][0], changes[i][1])) {
                revert NotTrue();
            } catch (bytes memory reason) {
                assertRefused(reason, changes[i][2]);
            }
        }
    }

    function test_listsARollupWithAnAdapterThatSettlesBeforeChargesAreOver() external {
        vm.etch(address(0xc1), address(new OpSettlement(10, new AnchorStateRegistryDouble())).code);
        Network memory network = _run(with(example, _adapter("00", "0"), _adapter("c1", "172799")));
        vm.warp(GENESIS);
        assertEq(Registry(network.registry).rollupAt(10, 0).settlement, address(0xc1));
        assertEq(Registry(network.registry).rollupAt(42_161, 0).settlement, address(0));
    }

    /// @dev The end of the first of the example's rollups, as only that one ends
    function _adapter(string memory lastByte, string memory time) private pure returns (string memory) {
        return string.concat(
            '"settlement": "0x00000000000000000000000000000000000000',
            lastByte,
            '",\n      "settlementSeconds": "',
            time,
            '"\n    },'
        );
    }

    function _run(string memory json) private returns (Network memory network) {
        (
            network.timelock,
            network.weightedSources,
            network.registry,
            network.slasher,
            network.vault,
            network.verifier,
            network.asset
        ) = script.run(json);
    }
}
