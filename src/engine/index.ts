/** Orders in motion: a product decides, the engine commits; commands and events all pass through here. */
export { createEngine, type Engine, type EngineOptions } from './engine.ts';
export { product, type Delivered, type ListedOrder, type Product } from './product.ts';
export * from './types.ts';
export {
  protocolRefusal,
  rpcMethod,
  wordCommand,
  type CommandContext,
  type RpcMethod,
  type RpcOutcome,
  type Speaker,
  type WordCommand,
} from './commands.ts';
export { findKeyUse, keepKeyUse, type KeyUse } from './order-keys.ts';
export * from './catalogue.ts';
export * from './face.ts';
export * from './order-rows.ts';
export { createOrderStore, type OrderStore, type OrderTable } from './order-store.ts';
export * from './order-texts.ts';
export { busyWithOrders, type WorkLimits } from './busy.ts';
