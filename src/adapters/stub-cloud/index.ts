export { createStubCloud, type StubCloud, type StubCloudOptions } from './cloud.ts';
