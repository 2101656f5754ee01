export { createDigitalOcean, type DigitalOceanOptions } from './cloud.ts';
