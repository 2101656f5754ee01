export { RelayCore, type RelaySession, type Say } from './relay-core.ts';
export { startDevRelay, type DevRelay } from './server.ts';
