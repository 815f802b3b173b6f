export { createHosts, type Host, type Hosts, type HostsOptions } from './hosts/hosts.ts';
export { inOwnNetwork, whyNoHosts } from './hosts/own-network.ts';
export {
  faultsFor,
  startHttpProxy,
  type HttpFault,
  type HttpFaultChoice,
  type HttpProxy,
} from './http-proxy.ts';
export { makeSettableClock, type SettableClock } from './settable-clock.ts';
export {
  startLocalProxy,
  startTcpProxy,
  type Endpoint,
  type LocalProxy,
  type TcpDisturbance,
  type TcpFaults,
  type TcpProxy,
} from './tcp-proxy.ts';
export {
  openFaultDoor,
  orderFault,
  type FaultDoor,
  type FaultHandlers,
  type FaultOrder,
} from './fault-door.ts';
