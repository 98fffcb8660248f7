import { describe, expect, test } from 'vitest';
import { findBmcFault } from '../../src/config/bmc-address.ts';

describe('findBmcFault', () => {
  test.each([
    'redfish-virtualmedia://192.0.2.130/redfish/v1/Systems/1',
    'redfish-virtualmedia+http://sushy.lab.example.com:8000/redfish/v1/Systems/kettle',
    'REDFISH-virtualmedia+https://[2001:db8:20::130]:8000/redfish/v1/Systems/1',
    'idrac-virtualmedia://192.0.2.130/redfish/v1/Systems/System.Embedded.1',
    'ilo5-virtualmedia+https://ilo.lab.example.com/redfish/v1/Systems/1',
    'redfish-uefihttp://192.0.2.130/redfish/v1/Systems/1',
  ])('has nothing against %s', (address) => {
    expect(findBmcFault(address)).toBeUndefined();
  });

  test.each([
    ['192.0.2.130', /without a driver/],
    ['ipmi://192.0.2.130', /boots from the network/],
    ['redfish://192.0.2.130/redfish/v1/Systems/1', /boots from the network/],
    ['redfish-virtualmedia:/192.0.2.130/redfish/v1/Systems/1', /without a driver/],
    ['redfish-virtualmedia://2001:db8::1/redfish/v1/Systems/1', /is not HOST/],
    ['redfish-virtualmedia://[192.0.2.1]/redfish/v1/Systems/1', /only IPv6 addresses take brackets/],
    ['redfish-virtualmedia://192.0.2.1:99999/redfish/v1/Systems/1', /no port/],
    ['redfish-virtualmedia://192.0.2.1', /names no system/],
    ['redfish-virtualmedia://admin:x@192.0.2.1/redfish/v1/Systems/1', /credentials/],
    ['redfish-virtualmdia://192.0.2.1/redfish/v1/Systems/1', /no known driver/],
    ['ilo4-virtualmedia://192.0.2.1/redfish/v1/Systems/1', /no known driver/],
  ])('refuses %s', (address, reason) => {
    expect(findBmcFault(address)?.message).toMatch(reason);
  });
});
