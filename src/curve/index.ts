import { isSound, type CurveEngine } from './engine.ts';
import { javascriptEngine } from './javascript.ts';

export type { CurveEngine } from './engine.ts';

/**
 * The engine of this process: WebAssembly where the machine allows it and it computes what it should, else JavaScript.
 * Chosen once, when the module is loaded.
 */
export const curve: CurveEngine = (await soundWasm()) ?? javascriptEngine;

async function soundWasm(): Promise<CurveEngine | null> {
  try {
    // Loading it compiles it, which some hardened machines forbid.
    const { wasmEngine } = await import('./wasm.ts');
    return isSound(wasmEngine) ? wasmEngine : null;
  } catch {
    return null;
  }
}
