/** What a node is made of: one text that the cloud hands to a new machine. Pure but for its own files, read once. */
export { checkNodeImages, type NodeImages } from './images.ts';
export { pruneMib } from './prune.ts';
export type { NodeJson, NodeSpec } from './spec.ts';
export { renderUserData } from './user-data.ts';
