export {
  faultsFor,
  startHttpProxy,
  type HttpFault,
  type HttpFaultChoice,
  type HttpProxy,
} from './http-proxy.ts';
export {
  startTcpProxy,
  type Endpoint,
  type TcpDisturbance,
  type TcpFaults,
  type TcpProxy,
} from './tcp-proxy.ts';
