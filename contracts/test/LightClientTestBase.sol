// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {FinalityLightClient} from "../src/FinalityLightClient.sol";
import {IFinalityLightClient} from "../src/interfaces/IFinalityLightClient.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {CertificateTestBase} from "./CertificateTestBase.sol";

/// @dev A light client behind a real timelock, in epoch 7 of a network whose set has four operators
abstract contract LightClientTestBase is CertificateTestBase {
    uint64 internal constant ROLLUP = 901;
    uint64 internal constant GENESIS = 1_000_000;
    uint64 internal constant EPOCH_SECONDS = 60;
    uint64 internal constant WINDOW = 90;
    uint64 internal constant EPOCH = 7;
    uint256 internal constant DELAY = 2 days;

    Certificates.Domain internal domain = Certificates.Domain(31337, address(0xACE));
    TimelockController internal timelock;
    FinalityLightClient internal client;

    function setUp() public virtual {
        vm.warp(startOf(EPOCH) + 30);
        address[] memory anyone = new address[](1);
        anyone[0] = address(this);
        timelock = new TimelockController(DELAY, anyone, anyone, address(0));
        client = clientWith(_operators(EPOCH).operatorSetHash);
    }

    function clientWith(bytes32 operatorSetHash) internal returns (FinalityLightClient) {
        IFinalityLightClient.Policy[] memory policies = new IFinalityLightClient.Policy[](1);
        policies[0] = IFinalityLightClient.Policy(ROLLUP, 6667, 1);
        return new FinalityLightClient(address(timelock), networkOf(), EPOCH, operatorSetHash, policies);
    }

    function networkOf() internal view returns (IFinalityLightClient.Network memory) {
        return IFinalityLightClient.Network(domain, GENESIS, EPOCH_SECONDS, WINDOW);
    }

    /// @dev Does what only the owner may, by way of the timelock and its delay
    function asOwner(bytes memory data) internal {
        timelock.schedule(address(client), 0, data, 0, 0, DELAY);
        vm.warp(vm.getBlockTimestamp() + DELAY);
        timelock.execute(address(client), 0, data, 0, 0);
    }

    function submit(uint64 blockNumber, bytes32 blockHash) internal returns (bool) {
        return submit(claimOf(blockNumber, blockHash));
    }

    function submit(Certificates.Claim memory claim) internal returns (bool) {
        return client.submitCertificate(claim, everyone(claim));
    }

    function everyone(Certificates.Claim memory claim) internal view returns (Certificates.Signers memory) {
        return signersWithout(_operators(claim.epoch), new uint256[](0), digestOf(domain, claim));
    }

    function everyoneForUpdate(uint64 epoch, bytes32 operatorSetHash)
        internal
        view
        returns (Certificates.Signers memory)
    {
        return signersWithout(
            _operators(epoch - 1), new uint256[](0), updateDigestOf(domain, epoch, operatorSetHash)
        );
    }

    function claimOf(uint64 blockNumber, bytes32 blockHash)
        internal
        pure
        returns (Certificates.Claim memory claim)
    {
        claim = claimAt(EPOCH);
        (claim.blockNumber, claim.blockHash, claim.timestamp) = (blockNumber, blockHash, startOf(EPOCH) + 20);
    }

    function startOf(uint64 epoch) internal pure returns (uint64) {
        return GENESIS + epoch * EPOCH_SECONDS;
    }

    /// @dev The set of every epoch: the same operators, another hash
    function _operators(uint64 epoch) internal view returns (TestSet memory) {
        return setOf(epoch, 4, 1);
    }
}
