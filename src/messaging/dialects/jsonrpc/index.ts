/** JSON-RPC 2.0 inside a DM (docs/rpc.md): the envelope, the numbers of its errors, its answers. */
export {
  parseEnvelope,
  type Envelope,
  type RpcFailure,
  type RpcIgnored,
  type RpcRequest,
  type NotRpc,
} from './envelope.ts';
export { isReplayable, RPC_ERROR } from './errors.ts';
export { failure, failureOf, invalidParams, notification, success, type ParamsProblem, type RpcId } from './render.ts';
export { paramsDigest, replayKey } from './replay-key.ts';
