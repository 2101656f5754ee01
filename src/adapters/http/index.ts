/** Calls to the services that the operator named: JSON, bounded, paced, never redirected. */
export { jsonSender, type JsonAnswer, type JsonCall, type SendJson } from './json-http.ts';
export { Pace, type Urgency } from './pace.ts';
