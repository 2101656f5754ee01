export { RelayCore, type RelaySession, type Say } from './relay-core.ts';
export { frameText, startDevRelay, type DevRelay } from './server.ts';
